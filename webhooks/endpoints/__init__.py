"""Webhook endpoints: create, update, delete and disable them; their addresses and signing secrets."""
