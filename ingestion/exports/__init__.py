"""Export everything stored about an agency or one account as an archive."""
