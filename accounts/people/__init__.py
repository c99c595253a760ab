"""Manage users: sign-up, sign-in, sessions, members and invitations."""
