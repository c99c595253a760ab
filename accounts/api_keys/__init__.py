"""Manage API keys, and the short-lived tokens that are created with them."""
