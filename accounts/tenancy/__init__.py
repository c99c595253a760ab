"""Isolate tenants: principal, permissions, tenant context, row-level security, locks."""
