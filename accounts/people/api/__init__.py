"""Serve sign-in, sessions, members and invitations."""
