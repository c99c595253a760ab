"""A history as a spreadsheet reads it."""

import csv
import io
from typing import Any

from rest_framework.renderers import BaseRenderer

COLUMNS = ("as_of", "from", "to", "numerator", "denominator", "rate", "meets_target")


class HistoryCsv(BaseRenderer):
    """One line a day. Every cell is a day, a number, true, false or nothing: none can be a formula."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        text = io.StringIO()
        table = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
        table.writeheader()
        table.writerows({key: _cell(point[key]) for key in COLUMNS} for point in data.get("points", ()))
        return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value
