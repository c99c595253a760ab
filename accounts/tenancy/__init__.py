"""The tenant of a request: principal, permissions, tenant context, row-level security, locks."""
