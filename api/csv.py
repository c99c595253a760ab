"""Render lists as CSV in which spreadsheets find no formulas.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
import re
from typing import Any

from rest_framework.renderers import BaseRenderer

LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")
# A formula can also begin after `,`, `;` or `|`: in some locales a spreadsheet splits cells there.
FORMULA = re.compile(r"(^|[,;|])(\s*)(?=[=+\-@＝＋－＠])")


class CsvRenderer(BaseRenderer):
    """Render the rows under `key` as CSV with these columns. The `Link` header holds the next page."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"
    key = "data"
    columns: tuple[str, ...] = ()

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        text = io.StringIO()
        writer = csv.writer(text)
        selected = (renderer_context or {}).get("fields")
        columns = [column for column in self.columns if selected is None or column in selected]
        writer.writerow(columns)
        rows = map(self.row, data.get(self.key, ()))
        writer.writerows([cell(row[column]) for column in columns] for row in rows)
        return text.getvalue()

    def row(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return the values of one row by column. Subclasses flatten nested fields here."""
        return item


def cell(value: Any) -> Any:
    """Return a value as a cell. Numbers stay numbers, and all other values become text without formulas."""
    if value is None:
        return ""
    # Before numbers: Python's bool is an int.
    if isinstance(value, bool):
        return str(value).lower()
    # A negative number begins with a minus, but spreadsheets take it for a number and not for a formula.
    if isinstance(value, int | float):
        return value
    if isinstance(value, list):
        return escape_formulas(
            "; ".join(each["reason"] if isinstance(each, dict) else str(each) for each in value)
        )
    return escape_formulas(str(value))


def escape_formulas(text: str) -> str:
    """Return the text on one line, with an apostrophe before each place where a formula would begin."""
    return FORMULA.sub(r"\1\2'", LINE_BREAKS.sub(" ", text))
