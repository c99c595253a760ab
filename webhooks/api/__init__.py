"""Serve events, webhook endpoints and deliveries over HTTP."""
