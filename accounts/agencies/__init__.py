"""Manage agencies and their seller accounts, and serve the audit log."""
