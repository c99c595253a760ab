"""What will go, from when and until when: told in the headers of every answer and in the document. Pure.

Sources: RFC 9745 (Deprecation), RFC 8594 (Sunset).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """Since when something should not be used any more, when it ends, and the page that says what to use instead."""

    since: date
    sunset: date | None = None
    link: str = ""

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Deprecation": f"@{int(_midnight(self.since).timestamp())}"}
        if self.sunset:
            headers["Sunset"] = format_datetime(_midnight(self.sunset), usegmt=True)
        if self.link:
            headers["Link"] = f'<{self.link}>; rel="deprecation"; type="text/html"'
        return headers


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
