"""Turn bytes into rows: encodings, tables, XML, and the errors that reject a document or row. Pure."""
