"""More rows like those that an agency has: as many as fill a page, whatever the table."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from api import identifiers

Row = models.Model
SAME = ("agency_id", "account_id", "report_id")  # whose the rows are


def crowd(rows: "models.QuerySet[Any]", *, until: int) -> None:
    """Copies of the newest of these rows until there are so many, each unlike the others where it has to
    be."""
    pattern = rows.order_by("pk").last()
    assert pattern is not None, (
        f"{rows.model.__name__} has no row that others could be made like: see tests/architecture/furnishing.py"
    )
    for number in range(rows.count() + 1, until + 1):
        like(pattern, number=number)


def like(pattern: Row, *, number: int) -> Row:
    """A new row like this one."""
    copy: Row = type(pattern).objects.get(pk=pattern.pk)  # type: ignore[attr-defined]  # every model of ours has it
    copy._state.adding = True  # noqa: SLF001  as Django's documentation copies rows
    key = copy._meta.pk  # noqa: SLF001  Django's public door to what a model is
    if isinstance(key, models.Field) and not isinstance(key, models.CompositePrimaryKey):
        copy.pk = identifiers.uuid7() if isinstance(key, models.UUIDField) else None
    for unique in _uniques(type(pattern)):
        _vary(copy, unique, number)
    copy.save(force_insert=True)
    return copy


def _uniques(model: type[Row]) -> Iterator[list["models.Field[Any, Any]"]]:
    """The fields of each rule that rows must differ by."""
    options = model._meta  # noqa: SLF001  as above
    for constraint in options.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            names = constraint.fields or [getattr(each, "name", "") for each in constraint.expressions]
            yield [options.get_field(name) for name in names if name]  # type: ignore[misc]
    yield from ([field] for field in options.concrete_fields if field.unique and not field.primary_key)
    if isinstance(options.pk, models.CompositePrimaryKey):
        yield list(options.pk.fields)  # type: ignore[arg-type]  # of columns alone


def _vary(copy: Row, fields: list["models.Field[Any, Any]"], number: int) -> None:
    plain = [field for field in fields if not field.is_relation and field.attname not in SAME]
    if any(field.primary_key for field in fields):
        return
    if plain:
        for field in plain:
            setattr(copy, field.attname, _other(field, getattr(copy, field.attname), number))
    elif others := [field for field in fields if field.attname not in SAME]:
        field = others[-1]
        setattr(copy, field.attname, like(getattr(copy, field.name), number=number).pk)


def _other(field: "models.Field[Any, Any]", value: Any, number: int) -> Any:
    if isinstance(value, str):
        most = field.max_length or 60
        unlike = f"{number:02d}" if most < 8 else secrets.token_hex(4)
        return value[: most - len(unlike)] + unlike
    if isinstance(value, datetime):
        return value + timedelta(seconds=number)
    if isinstance(value, int):
        return value + number
    if isinstance(field, models.BinaryField):
        return secrets.token_bytes(32)
    return identifiers.uuid7() if isinstance(field, models.UUIDField) else value
