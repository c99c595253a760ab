"""Run systems outside the product as processes."""
