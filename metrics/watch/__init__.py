"""What an agency watches for, and what its people do about it: thresholds and breaches over HTTP."""
