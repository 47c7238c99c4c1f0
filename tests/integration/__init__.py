"""Tests against Azurite, the stand-in endpoint and the Python worker runtime."""
