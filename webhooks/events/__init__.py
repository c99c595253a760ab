"""Events: catalogue, payload, publishing in the caller's transaction."""
