"""What became of documents as a spreadsheet opens it."""

from api.csv import CsvRenderer


class RejectedRowsCsv(CsvRenderer):
    """One line a row that could not be used. Its reason may quote what somebody wrote."""

    columns = ("line", "reason")
