"""Copy rows of any table until they fill a page."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from api import identifiers

Row = models.Model
# These columns say whose a row is, so copies have the same values.
OWNER_COLUMNS = ("agency_id", "account_id", "report_id")


def add_copies(rows: "models.QuerySet[Any]", *, until: int) -> None:
    """Copy the newest of `rows` until there are `until`. Copies differ where a constraint requires it."""
    pattern = rows.order_by("pk").last()
    assert pattern is not None, (
        f"{rows.model.__name__} has no row to copy: see tests/architecture/agency_data.py"
    )
    for number in range(rows.count() + 1, until + 1):
        copy_row(pattern, number=number)


def copy_row(pattern: Row, *, number: int) -> Row:
    """Save and return a copy of `pattern`."""
    copy: Row = type(pattern).objects.get(pk=pattern.pk)  # type: ignore[attr-defined]  # every model of ours has it
    copy._state.adding = True  # noqa: SLF001  as Django's documentation copies rows
    key = copy._meta.pk  # noqa: SLF001  Django's public way to a model's fields
    if isinstance(key, models.Field) and not isinstance(key, models.CompositePrimaryKey):
        copy.pk = identifiers.uuid7() if isinstance(key, models.UUIDField) else None
    for unique in _unique_fields(type(pattern)):
        _make_unique(copy, unique, number)
    copy.save(force_insert=True)
    return copy


def _unique_fields(model: type[Row]) -> Iterator[list["models.Field[Any, Any]"]]:
    """Yield the fields of each unique constraint of `model`."""
    options = model._meta  # noqa: SLF001  as above
    for constraint in options.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            names = constraint.fields or [getattr(each, "name", "") for each in constraint.expressions]
            yield [options.get_field(name) for name in names if name]  # type: ignore[misc]
    yield from ([field] for field in options.concrete_fields if field.unique and not field.primary_key)
    if isinstance(options.pk, models.CompositePrimaryKey):
        yield list(options.pk.fields)  # type: ignore[arg-type]  # of columns alone


def _make_unique(copy: Row, fields: list["models.Field[Any, Any]"], number: int) -> None:
    own_fields = [field for field in fields if not field.is_relation and field.attname not in OWNER_COLUMNS]
    if any(field.primary_key for field in fields):
        return
    if own_fields:
        for field in own_fields:
            setattr(copy, field.attname, _other_value(field, getattr(copy, field.attname), number))
    elif related_fields := [field for field in fields if field.attname not in OWNER_COLUMNS]:
        field = related_fields[-1]
        setattr(copy, field.attname, copy_row(getattr(copy, field.name), number=number).pk)


def _other_value(field: "models.Field[Any, Any]", value: Any, number: int) -> Any:
    if isinstance(value, str):
        limit = field.max_length or 60
        suffix = f"{number:02d}" if limit < 8 else secrets.token_hex(4)
        return value[: limit - len(suffix)] + suffix
    if isinstance(value, datetime):
        return value + timedelta(seconds=number)
    if isinstance(value, int):
        return value + number
    if isinstance(field, models.BinaryField):
        return secrets.token_bytes(32)
    return identifiers.uuid7() if isinstance(field, models.UUIDField) else value
