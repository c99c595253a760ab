"""Agencies and their seller accounts: create, change, delete, list; the audit log."""
