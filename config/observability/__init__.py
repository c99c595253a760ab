"""Observe the installation: logs, Prometheus metrics, health, Sentry and traces."""
