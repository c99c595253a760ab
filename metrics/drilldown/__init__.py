"""The orders behind a number, unmatched defects, and the portfolio."""
