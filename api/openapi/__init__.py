"""Build and serve the OpenAPI document: bounds, headers, links."""
