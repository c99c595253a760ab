"""Deliver events: lease due deliveries, send them, record the results.

Layout: `tasks` (Celery), `worker` (the loop), `leases`, `jobs`, `dispatch`, `results`, `retries`,
`concurrency`; `redelivery` (on request) and `retention`.
"""
