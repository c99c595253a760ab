"""Views of sign-in, sessions, members and invitations."""
