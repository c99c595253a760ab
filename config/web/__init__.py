"""Middleware, and settings of the web server."""
