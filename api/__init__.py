"""Implement the HTTP conventions of the API. Nothing here depends on a tenant."""
