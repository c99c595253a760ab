"""API keys and the short-lived tokens made from them."""
