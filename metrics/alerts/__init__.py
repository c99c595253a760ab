"""Alerts: the state machine, its evaluation, current values, thresholds, and what users do about breaches."""
