"""Evaluate alerts: the state machine, observations, current values, thresholds, and users' actions."""
