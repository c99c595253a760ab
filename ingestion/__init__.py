"""Receive reports, parse them into facts and load them; store, export, redact and erase documents."""
