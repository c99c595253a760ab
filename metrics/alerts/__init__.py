"""Breaches and warnings: state machine, evaluation, thresholds, actions."""
