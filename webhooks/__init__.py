"""Events reach the agency."""
