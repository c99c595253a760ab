"""What became of documents as a spreadsheet opens it."""

from api.csv import Sheet


class RejectedRowsCsv(Sheet):
    """One line a row that could not be used. Its reason may quote what somebody wrote."""

    columns = ("line", "reason")
