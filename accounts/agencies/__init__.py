"""Agencies and their seller accounts, and the views of the audit log."""
