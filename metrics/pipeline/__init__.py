"""Facts to daily counts to current values, in set-based SQL."""
