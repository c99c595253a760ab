"""Detect the form and the report type of a document by its beginning, and refuse what is none. Pure."""

from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.unpacking import SPREADSHEET_DETAIL, ZIP
from ingestion.reports import REPORT_TYPES, known_files, table_layout
from ingestion.reports.report_type import ORDER_ID, ReportType, normalize_column
from ingestion.reports.table_layout import TABLE_TYPES, TableLayout

BINARY = {
    ZIP: ("spreadsheet", SPREADSHEET_DETAIL),
    b"\xd0\xcf\x11\xe0": (
        "spreadsheet",
        "It is an Excel workbook. Save the sheet as CSV or tab-delimited text and upload that file.",
    ),
    b"%PDF": (
        "not-text",
        "It is a PDF. Download the report as CSV or tab-delimited text and upload that file.",
    ),
}
SUPPORTED_TYPES = "Supported report types: {}.".format(
    # By their code and not by their title, which may have a comma.
    ", ".join(f"`{report_type.names[0]}`" for report_type in REPORT_TYPES if report_type.is_uploaded)
)
CORRECT_IT = "Omit `report_type` or correct it."
FORMS = {"xml": "XML", "json": "JSON", "table": "a table"}


def reject_binary(head: bytes) -> None:
    """Raise RejectedDocument for workbooks, archives and PDF."""
    for mark, (slug, detail) in BINARY.items():
        if head.startswith(mark):
            raise RejectedDocument(slug, "The document is not text", detail)


def detect_form(beginning: str) -> str:
    """Return `xml`, `json` or `table`."""
    return "xml" if beginning.startswith("<") else "json" if beginning[:1] in {"{", "["} else "table"


def detect_type(form: str, beginning: str, layout: TableLayout | None) -> ReportType:
    """Return the report type of a document.

    Raises RejectedDocument, which names the document if it is of a kind that is known and not read.
    """
    if layout is not None and layout.report_type is not None:
        return layout.report_type
    for report_type in REPORT_TYPES:
        if report_type.dialect == form and report_type.matches((beginning,), ()):
            return report_type
    raise known_files.find(beginning) or _unknown(form, layout)


def check_announced(announced: ReportType, form: str, beginning: str, layout: TableLayout | None) -> None:
    """Raise RejectedDocument if a document is not in the form of the announced report type, XML of another type,
    or of a kind that is known and not read.

    It would otherwise seem to have no rows.
    """
    expected = "table" if announced in TABLE_TYPES else announced.dialect
    known = None if layout is not None and layout.report_type is not None else known_files.find(beginning)
    # A document without columns is no table: the parser says what is wrong with it.
    if form != expected and layout is not None and len(layout.header) > 1:
        names = table_layout.show_names(layout.header)
        columns = f" with the columns {names}" if names else ""
        raise _mismatch(
            f"It is a table{columns}, not {FORMS[expected]}. {known.detail if known else CORRECT_IT}"
        )
    if known is not None:
        raise known
    if form != expected and layout is None:
        raise _mismatch(f"It is {FORMS[form]}, not {FORMS[expected]}. {CORRECT_IT}")
    if form == "xml" and not announced.matches((beginning,), ()):
        raise _mismatch(f"It is XML, but not {announced.names[0]}. {CORRECT_IT}")


def empty_document() -> RejectedDocument:
    """Return a new error each time, because a raised exception keeps a reference to every frame it passed."""
    return RejectedDocument(
        "empty-document", "The document is empty", "It has only blank lines. Request the report again."
    )


def no_header() -> RejectedDocument:
    return RejectedDocument(
        "no-header",
        "The document has no header",
        "Its first line is a row. Upload the report with its header.",
    )


def _mismatch(detail: str) -> RejectedDocument:
    return RejectedDocument(
        "unknown-document", "The document does not match the `report_type` that was sent", detail
    )


def _unknown(form: str, layout: TableLayout | None) -> RejectedDocument:
    if layout is None:
        detail = f"It is {FORMS[form]}, but not a supported report. {SUPPORTED_TYPES}"
        return RejectedDocument("unknown-document", "The report type is unknown", detail)
    if any(ORDER_ID.fullmatch(cell) for cell in layout.header):
        return no_header()
    known = map(normalize_column, table_layout.known_names(layout.header))
    described = known_files.describe_header("\t".join(layout.header), known=known)
    return RejectedDocument(
        "unknown-document", "The report type is unknown", f"{described} {SUPPORTED_TYPES}"
    )
