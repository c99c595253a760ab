"""Write the part of docs/doors.md that describes each kind of document anew, from the registry."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ingestion.reports import KINDS
from ingestion.reports.kind import Kind

PAGE = "docs/doors.md"
BEGINNING = "<!-- From here on: written by `make doors` from ingestion/reports. -->\n"
FORMS = {
    "tsv": "Tabs, nothing quoted.",
    "csv": "Comma, semicolon or tab; quoted where needed; columns in any order.",
    "tsv_or_csv": "With tabs nothing is quoted; else comma or semicolon, quoted where needed. Columns by name, in any order.",
    "json": "JSON.",
    "xml": "XML, in the encoding that it declares.",
}


class Command(BaseCommand):
    help = "Write the kinds of documents into docs/doors.md."

    def handle(self, *args: Any, **options: Any) -> None:
        page = Path(settings.BASE_DIR) / PAGE
        page.write_text(described(page.read_text()))


def described(page: str) -> str:
    """The page with each kind as the registry has it now."""
    return page.partition(BEGINNING)[0] + BEGINNING + "".join(map(_section, KINDS))


def _section(kind: Kind) -> str:
    names = ", ".join(f"`{name}`" for name in kind.report_types)
    door = "" if kind.is_uploaded else " Posted to `/v1/accounts/{id}/defects`, not uploaded."
    rows = "".join(f"| {column.name} | {'yes' if column.needed else ''} | {column.meaning} |\n" for column in kind.columns)
    return (
        f"\n## {kind.title}\n\n{names}. {FORMS[kind.dialect]}{door}\n\n{kind.about}\n\nSource: {kind.source}\n\n"
        f"| column | needed | meaning |\n|---|---|---|\n{rows}\n```\n{kind.example.rstrip()}\n```\n"
    )
