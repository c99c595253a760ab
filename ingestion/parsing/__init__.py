"""Turn bytes into rows, and define the errors that reject a document or row. Pure.

1. `unpacking` unpacks gzip and limits the size   2. `encodings` detects the encoding
3. `tabular` or `xml` reads the rows
"""
