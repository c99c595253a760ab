"""Test that the document and the server agree, and that tools of others can read the document."""
