"""The shapes of events, endpoints and deliveries."""
