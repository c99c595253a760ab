"""Manage webhook endpoints, their addresses and their signing secrets."""
