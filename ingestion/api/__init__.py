"""Serve reports, their rejected rows and documents, posted defects, and the report types."""
