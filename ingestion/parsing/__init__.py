"""Bytes to rows: encodings, tables, XML, and refusals. Pure."""
