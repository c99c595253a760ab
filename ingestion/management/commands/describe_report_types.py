"""Generate the part of docs/report-types.md that describes each report type, from the registry."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ingestion.reports import REPORT_TYPES
from ingestion.reports.report_type import ReportType

PAGE = "docs/report-types.md"
MARKER = "<!-- Generated from here on by `make format-docs`. -->\n"
FORMATS = {
    "csv": "The file is separated by comma, semicolon or tab. Cells may be quoted. Columns may be in "
    "any order.",
    "tsv_or_csv": (
        "The file is tab-separated without quotes, or separated by comma or semicolon with quotes. "
        "Columns may be in any order."
    ),
    "json": "The format is JSON.",
    "xml": "The format is XML.",
}


class Command(BaseCommand):
    help = "Generate the descriptions of the report types in docs/report-types.md."

    def handle(self, *args: Any, **options: Any) -> None:
        page = Path(settings.BASE_DIR) / PAGE
        page.write_text(with_report_types(page.read_text()))


def with_report_types(page: str) -> str:
    """Return the page with the generated part replaced."""
    return page.partition(MARKER)[0] + MARKER + "".join(map(_section, REPORT_TYPES))


def _section(report_type: ReportType) -> str:
    names = ", ".join(f"`{name}`" for name in report_type.names)
    path = (
        ""
        if report_type.is_uploaded
        else f" Send the rows to `POST /v1/accounts/{{id}}/{report_type.names[0]}`; this type is not uploaded as a "
        "file."
    )
    rows = "".join(
        f"| {column.name} | {'yes' if column.needed else ''} | {column.meaning} |\n"
        for column in report_type.columns
    )
    label = "Report types" if len(report_type.names) > 1 else "Report type"
    return (
        f"\n## {report_type.title}\n\n{label}: {names}. {FORMATS[report_type.dialect]}{path}\n\n"
        f"{report_type.about}\n\nSource: {report_type.source}\n\n"
        f"| Column | Required | Meaning |\n|---|---|---|\n{rows}\n```\n{report_type.example.rstrip()}\n```\n"
    )
