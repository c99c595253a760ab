"""Amazon's rules as values and functions. Pure."""
