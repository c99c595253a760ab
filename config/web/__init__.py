"""Middleware, and the settings of the web server."""
