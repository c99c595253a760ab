"""The document and the server agree, and others' tools read the document."""
