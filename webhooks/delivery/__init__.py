"""The delivery worker: leases due deliveries, sends them, records the results.

Layout: `tasks` (Celery), `worker` (the loop), `leases`, `jobs`, `dispatch`, `results`, `retries`,
`concurrency`; `redelivery` (on request) and `retention`.
"""
