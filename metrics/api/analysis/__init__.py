"""Serve the analyses of a metric: what its defects have in common."""
