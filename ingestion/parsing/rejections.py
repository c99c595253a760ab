"""Define the errors that reject a document as a whole, or one row of it. Pure."""

import re
from dataclasses import dataclass

# In characters. A detail may quote several rows of the document, and a row may be very long.
MAX_DETAIL_LENGTH = 4000
SIGNS = ("@", "＠")
MASK = "[e-mail address]"
# A run of characters that may stand in an e-mail address. Not the pattern of an address: where the sign is
# missing, that one is tried from each character of a run to its end.
RUN = re.compile(r"""[^\s"<>(),;:]+""")


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
        self.detail = mask_email_addresses(detail)
        super().__init__(self.detail)
        self.rejected = rejected

    def problem(self) -> dict[str, str]:
        """Return the report's `problem` (RFC 9457)."""
        return {"type": f"/problems/{self.slug}", "title": self.title, "detail": self.detail}


def mask_email_addresses(text: str) -> str:
    """Return the beginning of the text, with every e-mail address, and every beginning of one, replaced."""
    # Reasons are stored in the database after the document's own personal columns were redacted.
    shown = text[:MAX_DETAIL_LENGTH]
    if not any(sign in text[: 2 * MAX_DETAIL_LENGTH] for sign in SIGNS):
        return shown
    if len(text) > MAX_DETAIL_LENGTH:
        # The word that is cut may be the beginning of an address whose sign is cut off.
        shown = shown.rpartition(" ")[0]
    return RUN.sub(_mask_run, shown)


def _mask_run(run: re.Match[str]) -> str:
    """Return a run of characters with what is an e-mail address replaced, apart from the quotes around it."""
    text = run[0]
    signs = max(map(text.rfind, SIGNS)) + 1
    if not signs:
        return text
    quotes = text[: len(text) - len(text.lstrip("'"))]
    _, closing, rest = text[signs:].partition("'")
    return quotes + MASK + closing + rest
