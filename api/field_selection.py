"""`?fields=id,name`: rows that hold these fields only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework.exceptions import ValidationError

WORDS = (
    "Names of fields, comma-separated: each row holds these fields only. What the document requires of a row is then left out. "
    "Without it, all fields."
)


def asked(text: str, *, known: Iterable[str]) -> list[str] | None:
    """The fields that are asked for, in that order; None for all. Raises ValidationError for one that rows do not have."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        raise ValidationError({"fields": f"Rows have no field {unknown[0][:60]!r}. There are {', '.join(known)}."})
    return names or None


def only(rows: Iterable[Mapping[str, Any]], names: Sequence[str] | None) -> list[dict[str, Any]]:
    """The rows with these fields alone."""
    return [dict(row) if names is None else {name: row[name] for name in names} for row in rows]
