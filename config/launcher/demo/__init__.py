"""Build the reports of the demo agency's invented sellers. Pure."""
