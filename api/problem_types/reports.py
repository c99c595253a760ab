"""List the problems of reports that were rejected as a whole or could not be loaded (`problem` of a report).

Pure.
"""

from api.problem_types.problem_type import ProblemType

REPORTS = (
    ProblemType(
        "empty-document",
        None,
        "Empty document",
        "The document has no bytes, or only blank lines.",
        "Request the report from Amazon again, and upload the new document.",
    ),
    ProblemType(
        "unknown-document",
        None,
        "Unknown document",
        "The document does not match a supported report type, or does not match the `report_type` that "
        "was sent.",
        "Upload a supported report, without `report_type` or with the correct one. `GET "
        "/v1/document-kinds` lists the supported report types.",
    ),
    ProblemType(
        "spreadsheet",
        None,
        "Spreadsheet file",
        "The document is an Excel workbook or a ZIP archive.",
        "Save the sheet as CSV or tab-delimited text, and upload that file.",
    ),
    ProblemType(
        "not-text",
        None,
        "Not a text document",
        "The document is a PDF, has NUL bytes, or is incomplete UTF-16.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "invalid-gzip",
        None,
        "Invalid gzip file",
        "The compressed file is damaged or incomplete.",
        "Compress the document again, or upload it uncompressed.",
    ),
    ProblemType(
        "invalid-csv",
        None,
        "Invalid CSV",
        "The CSV cannot be read, for example because a quotation mark is not closed.",
        "Correct the line that `detail` names, or export the file again.",
    ),
    ProblemType(
        "invalid-xml",
        None,
        "Invalid XML",
        "The XML is damaged or incomplete.",
        "Download the report again.",
    ),
    ProblemType(
        "invalid-json",
        None,
        "Invalid JSON",
        "The JSON cannot be read, or does not have the structure of the report.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "document-type",
        None,
        "XML with a document type",
        "The XML declares a document type. Reports have none, and entities are never resolved.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "nested-too-deep",
        None,
        "XML nested too deeply",
        "The XML has more levels than any report.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "too-many-names",
        None,
        "Too many XML names",
        "The XML has more names of elements and attributes, or longer ones, than any report.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "too-many-values",
        None,
        "Too many JSON values",
        "The JSON has more values than any report.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "line-too-long",
        None,
        "Line too long",
        "A line or an element is longer than in any report.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "line-ends",
        None,
        "Unknown line endings",
        "The lines end in a carriage return alone.",
        "Save the document with the usual line endings.",
    ),
    ProblemType(
        "no-header",
        None,
        "Header missing",
        "The first line is a row, not the header of a report.",
        "Upload the report with its header.",
    ),
    ProblemType(
        "columns-missing",
        None,
        "Columns missing",
        "The header lacks columns that the report type needs.",
        "Add the columns that `detail` names, or upload the report as it was downloaded.",
    ),
    ProblemType(
        "columns-repeated",
        None,
        "Columns repeated",
        "The header has a column more than once.",
        "Remove the repeated columns.",
    ),
    ProblemType(
        "too-many-columns",
        None,
        "Too many columns",
        "The header has more columns than any report.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "document-cut-off",
        None,
        "Incomplete document",
        "The document ends in the middle of a row.",
        "Download the report again.",
    ),
    ProblemType(
        "schema-not-report",
        None,
        "Schema instead of a report",
        "The document is the JSON schema of the report, without the data of an account.",
        "Request the report itself.",
    ),
    ProblemType(
        "not-one-report",
        None,
        "Not a single report",
        "The document has several performance reports, or none.",
        "Upload each report separately.",
    ),
    ProblemType(
        "too-many-records",
        None,
        "Too many records",
        "The report has more records than any report of Amazon.",
        "Upload the report as it was downloaded.",
    ),
    ProblemType(
        "dates-contradict-marketplace",
        None,
        "Dates do not match the marketplace",
        "The dates are not in the format of this marketplace.",
        "Upload the report again with its own `marketplace`.",
    ),
    ProblemType(
        "no-usable-row",
        None,
        "No usable rows",
        "Every row was rejected.",
        "Read the reasons in `GET /v1/reports/{report_id}/rejected-rows`, correct the rows and upload the "
        "document again.",
    ),
    ProblemType(
        "too-many-rejected-rows",
        None,
        "Too many rejected rows",
        "More rows were rejected than can be listed.",
        "Correct the rows, beginning with the one that `detail` names, and upload the document again.",
    ),
    ProblemType(
        "loading-failed",
        None,
        "Loading failed",
        "The server failed several times to load the document. Its content was not counted.",
        "Upload the document again later, and send the report's ID to the operator.",
    ),
)
