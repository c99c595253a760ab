"""Turn facts into daily counts, values, restatements and account summaries, in set-based SQL."""
