"""Lists as a spreadsheet opens them. Whatever a cell says, none can be taken for a formula.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
import re
from typing import Any

from rest_framework.renderers import BaseRenderer

BREAKS = re.compile(r"[\x00-\x1f\x7f]+")
FORMULA = re.compile(r"(^|[,;|])(\s*)(?=[=+\-@＝＋－＠])")
"""Where a formula would begin: also behind what another country's spreadsheet takes for the end of a cell."""


class Sheet(BaseRenderer):
    """One line a row of `key`, of these columns. The next page of a list is in the answer's `Link`."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"
    key = "data"
    columns: tuple[str, ...] = ()

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        text = io.StringIO()
        table = csv.writer(text)
        picked = (renderer_context or {}).get("fields")
        columns = [column for column in self.columns if picked is None or column in picked]
        table.writerow(columns)
        rows = map(self.row, data.get(self.key, ()))
        table.writerows([cell(row[column]) for column in columns] for row in rows)
        return text.getvalue()

    def row(self, told: dict[str, Any]) -> dict[str, Any]:
        """What is told of one thing, as its cells say it."""
        return told


def cell(value: Any) -> Any:
    """A value as a cell: what is not a number is text, and harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    if isinstance(value, list):
        return harmless("; ".join(each["reason"] if isinstance(each, dict) else str(each) for each in value))
    return harmless(str(value))


def harmless(text: str) -> str:
    """The text on one line, with an apostrophe wherever a formula would begin: spreadsheets take it for text then."""
    return FORMULA.sub(r"\1\2'", BREAKS.sub(" ", text))
