"""Define event types and payloads, and publish events in the caller's transaction.

Layout: `catalogue` (types, schemas, examples), `payload`, `publishing`, `wakeup`, `openapi` (the `webhooks`
of the document).
"""
