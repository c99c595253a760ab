"""Thresholds and breaches over HTTP."""
