"""Many accounts taken on at once."""
