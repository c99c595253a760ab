"""Why a document is refused whole, or a row of it rejected. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row that says nothing we can use, by its line in the document."""

    line: int
    reason: str


class BadRow(Exception):
    """A row cannot be used; the rest of the document can. The text says what is wrong and what was expected."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class Refused(Exception):
    """The document is not what it claims, or not whole: none of it may be used."""

    def __init__(self, slug: str, title: str, detail: str, *, rejected: tuple[RejectedLine, ...] = ()) -> None:
        super().__init__(detail)
        self.slug = slug
        self.title = title
        self.detail = detail
        self.rejected = rejected

    def problem(self) -> dict[str, str]:
        """The refusal as the report's `problem` (RFC 9457)."""
        return {"type": f"/problems/{self.slug}", "title": self.title, "detail": self.detail}
