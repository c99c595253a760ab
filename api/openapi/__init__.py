"""The OpenAPI document: bounds, headers, links and how it is served."""
