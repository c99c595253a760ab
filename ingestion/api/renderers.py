"""Render rejected rows as CSV."""

from api.csv import CsvRenderer


class RejectedRowsCsv(CsvRenderer):
    """Render one line for each rejected row.

    Reasons may quote text from the document, so cells are escaped.
    """

    columns = ("line", "reason")
