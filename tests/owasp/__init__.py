"""Test the OWASP API Security Top 10 of 2023, one module for each entry."""
