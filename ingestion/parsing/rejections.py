"""Define the errors that reject a document as a whole, or one row of it. Pure."""

import re
from dataclasses import dataclass

# A detail may quote several rows of the document, and a row may be very long.
LONGEST_DETAIL = 4000
ADDRESS = re.compile(r"""[^\s@＠"'<>(),;:][^\s@＠"<>(),;:]*[@＠][^\s@＠"'<>(),;:]*|[@＠][^\s"'<>(),;:]*""")


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """Name a rejected row by its line in the document, with the reason."""

    line: int
    reason: str


class InvalidRow(Exception):
    """Raise when a row cannot be used but the rest of the document can.

    The reason names the column, what is wrong and what is expected: "`rating`: '6' is not valid; expected 1
    to 5."
    """

    def __init__(self, reason: str, *, field: str = "") -> None:
        self.reason = mask_email_addresses(reason)
        super().__init__(self.reason)
        self.field = field


class RejectedDocument(Exception):
    """Raise when no part of a document may be used, because it is incomplete or not what it claims to be."""

    def __init__(
        self, slug: str, title: str, detail: str, *, rejected: tuple[RejectedLine, ...] = ()
    ) -> None:
        self.slug = slug
        self.title = title
        self.detail = mask_email_addresses(detail)[:LONGEST_DETAIL]
        super().__init__(self.detail)
        self.rejected = rejected

    def problem(self) -> dict[str, str]:
        """Return the report's `problem` (RFC 9457)."""
        return {"type": f"/problems/{self.slug}", "title": self.title, "detail": self.detail}


def mask_email_addresses(text: str) -> str:
    """Return the text with every e-mail address, and every beginning of one, replaced."""
    # Reasons are stored in the database after the document's own personal columns were
    # redacted. Cut first, so that the pattern never runs over a whole line; looking for the
    # sign first is cheaper than the pattern.
    return ADDRESS.sub("[e-mail address]", text[:2000]) if "@" in text or "＠" in text else text
