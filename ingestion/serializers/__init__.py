"""The shapes of documents received and of rows posted."""
