"""API keys, and the short-lived tokens created with them."""
