"""Logs, Prometheus metrics, health, Sentry and traces."""
