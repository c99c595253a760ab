"""Views of endpoints, events and deliveries."""
