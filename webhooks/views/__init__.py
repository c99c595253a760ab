"""Events, endpoints and deliveries over HTTP."""
