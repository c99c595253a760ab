"""Buyers' personal columns are blanked before a document is stored."""
