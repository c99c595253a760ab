"""Implement the conventions of requests that need a tenant: base views, idempotency, preconditions and rate
limits."""
