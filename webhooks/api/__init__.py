"""HTTP API of events, webhook endpoints and deliveries."""
