"""Webhook endpoints: lifecycle, addresses, secrets."""
