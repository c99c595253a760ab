"""The pipeline from facts to daily counts, values, restatements and account summaries, in set-based SQL."""
