"""Open the documents that the storage has, and report those that it should have."""
