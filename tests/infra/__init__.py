"""The deployment program, without a cloud."""
