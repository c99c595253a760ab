"""Encrypt stored secrets, and rotate the keys that encrypt them."""
