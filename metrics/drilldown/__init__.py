"""Query the orders behind a value, unmatched defects, and the portfolio."""
