"""Serve the HTTP API of metrics, the portfolio, thresholds and breaches."""
