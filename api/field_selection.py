"""Restrict the rows of a list to the fields that `?fields=id,name` lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework.exceptions import ValidationError

DESCRIPTION = (
    "Names of the fields to return, separated by commas. All other fields are left out of each row, "
    "even required ones. Without names, rows have all fields."
)


def parse(text: str, *, available: Iterable[str]) -> list[str] | None:
    """Return the selected fields in their order; None for all.

    Raises ValidationError for an unknown field, and for more names than there are fields.
    """
    given = [name.strip() for name in text.split(",") if name.strip()]
    names = list(dict.fromkeys(given))
    available = list(available)
    if unknown := [name for name in names if name not in available]:
        message = f"{unknown[0][:60]!r} is not a field of these rows; expected one of {', '.join(available)}."
        raise ValidationError({"fields": message})
    # The OpenAPI document sets `maxItems` of the parameter to the number of fields.
    if len(given) > len(available):
        raise ValidationError({"fields": f"At most {len(available)} names, each only once."})
    return names or None


def select(rows: Iterable[Mapping[str, Any]], fields: Sequence[str] | None) -> list[dict[str, Any]]:
    """Return the rows with these fields only; None keeps all fields."""
    return [dict(row) if fields is None else {name: row[name] for name in fields} for row in rows]
