"""How one message is sent: HTTP, email, chat."""
