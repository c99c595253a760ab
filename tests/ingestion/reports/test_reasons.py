"""Test the reasons of rejected rows of every table: each begins with a column of the file and quotes no person."""

import csv
import io
import re

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import REPORT_TYPES
from ingestion.reports.report_type import ReportType
from tests.ingestion.parsed_documents import parse_document

TABLES = [each for each in REPORT_TYPES if each.is_uploaded and each.dialect in {"tsv", "csv", "tsv_or_csv"}]
BAD = (
    "",
    "Cancelled",
    "99",
    "9" * 100,
    "2026-13-45",
    "Jane",
    "Jane Roe",
    "12 Main Street",
    "+1 206 555 0100",
)
PERSON = re.compile("jane|roe|main|street|206|0100", re.IGNORECASE)
COLUMN = re.compile(r"`([^`]+)`: ")


def reasons_of(report_type: ReportType, column: int, bad: str) -> list[str]:
    """Return the reasons for the example of a report type with one bad cell in its first row."""
    delimiter = "\t" if "\t" in report_type.example else ","
    if delimiter == "\t":
        rows = [line.split("\t") for line in report_type.example.splitlines()]
    else:
        rows = list(csv.reader(io.StringIO(report_type.example)))
    rows[1][column] = bad
    if delimiter == "\t":
        document = "".join("\t".join(row) + "\n" for row in rows)
    else:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        document = text.getvalue()
    try:
        parsed = parse_document(document.encode(), announced=report_type.names[0])
    except RejectedDocument as rejection:
        return [row.reason for row in rejection.rejected] or [f"`{rejection.slug}`: {rejection.detail}"]
    return [*parsed.rejected.values()]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("report_type", TABLES, ids=lambda report_type: report_type.names[0])
def test_reason_begins_with_its_column_and_quotes_no_person(report_type: ReportType, bad: str) -> None:
    delimiter = "\t" if "\t" in report_type.example else ","
    header = next(csv.reader([report_type.example.splitlines()[0]], delimiter=delimiter))

    reasons = [
        (name, reason) for at, name in enumerate(header) for reason in reasons_of(report_type, at, bad)
    ]

    assert [reason for name, reason in reasons if not reason.startswith((f"`{name}`: ", "`dates-"))] == []
    assert [reason for _, reason in reasons if PERSON.search(reason)] == []


@pytest.mark.parametrize(
    ("name", "column", "accepted"),
    [
        (0, "order-status", "Pending, Unshipped, Shipping, Shipped, Complete, Cancelled"),
        (0, "fulfillment-channel", "Amazon or Merchant"),
    ],
)
def test_reason_of_closed_word_lists_accepted_words(name: int, column: str, accepted: str) -> None:
    header = TABLES[name].example.splitlines()[0].split("\t")

    (reason,) = reasons_of(TABLES[name], header.index(column), "Withdrawn")

    assert reason.startswith(f"`{column}`: 'Withdrawn' is not ")
    assert accepted in reason
