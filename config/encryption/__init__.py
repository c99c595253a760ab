"""Compare the keys of SECRETS_KEYS with those that encrypted the database."""
