"""Why a document is refused whole, or a row of it rejected. Pure."""

import re
from dataclasses import dataclass

LONGEST_DETAIL = 4000
ADDRESS = re.compile(r"""[^\s@＠"'<>(),;:][^\s@＠"<>(),;:]*[@＠][^\s@＠"'<>(),;:]*|[@＠][^\s"'<>(),;:]*""")


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row that says nothing we can use, by its line in the document."""

    line: int
    reason: str


class InvalidRow(Exception):
    """A row cannot be used; the rest of the document can. The text says what is wrong and what was expected."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        self.reason = mask_email_addresses(reason)
        super().__init__(self.reason)
        self.field = field


class RejectedDocument(Exception):
    """The document is not what it claims, or not whole: none of it may be used."""

    def __init__(self, slug: str, title: str, detail: str, *, rejected: tuple[RejectedLine, ...] = ()) -> None:
        self.slug = slug
        self.title = title
        self.detail = mask_email_addresses(detail)[:LONGEST_DETAIL]
        super().__init__(self.detail)
        self.rejected = rejected

    def problem(self) -> dict[str, str]:
        """The refusal as the report's `problem` (RFC 9457)."""
        return {"type": f"/problems/{self.slug}", "title": self.title, "detail": self.detail}


def mask_email_addresses(text: str) -> str:
    """A text in which nothing looks like an e-mail address, nor like the beginning of one."""
    return ADDRESS.sub("[e-mail address]", text[:2000]) if "@" in text or "＠" in text else text
