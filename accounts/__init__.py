"""Agencies, users, API keys, and everything that protects one agency from another."""
