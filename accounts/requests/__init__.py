"""What every request of a tenant goes through: views, idempotency, preconditions, rate limits."""
