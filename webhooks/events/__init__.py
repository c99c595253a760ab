"""Events: their types, their payload, and publishing them in the caller's transaction.

Layout: `catalogue` (types, schemas, examples), `payload`, `publishing`, `wakeup`, `openapi` (the `webhooks`
of the document).
"""
