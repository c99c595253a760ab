"""The delivery worker: leases, sends, retries, records results."""
