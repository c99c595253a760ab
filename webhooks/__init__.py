"""Publish events, and deliver them to the endpoints of the agency."""
