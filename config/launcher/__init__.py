"""Run the product on one machine: start, demo and smoke test."""
