"""Represent Amazon's rules as values and functions. Pure: no Django, no database, no I/O."""
