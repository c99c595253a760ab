"""Remove personal data from documents before they are stored."""
