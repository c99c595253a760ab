"""Manage agencies, users and API keys, and separate agencies from each other."""
