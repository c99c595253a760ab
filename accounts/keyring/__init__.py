"""API keys and tokens over HTTP."""
