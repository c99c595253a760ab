"""Encryption of stored secrets, and the rotation of its keys."""
