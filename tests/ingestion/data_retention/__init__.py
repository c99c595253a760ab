"""Test the end of data by its source."""
