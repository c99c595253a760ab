"""End facts of an account without changing the values of the days whose data is complete."""
