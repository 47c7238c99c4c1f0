"""What is deployed, a component a module."""
