"""The shapes of what is answered about numbers."""
