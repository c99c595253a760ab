"""Run the product on one machine: start, demo, smoke test."""
