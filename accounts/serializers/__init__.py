"""The shapes of who asks and what is theirs."""
