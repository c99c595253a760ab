"""Filters of lists: what every one of them checks, whatever it narrows."""

import re
from datetime import UTC, datetime
from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError

from api.strict_fields import CENTURY

LONGEST = 200


class InstantFilter(filters.IsoDateTimeFilter):
    """A moment of this century, in UTC: PostgreSQL does not take every offset that Python does."""

    class field_class(filters.fields.IsoDateTimeField):  # noqa: N801  the framework's name
        def to_python(self, value: Any) -> datetime | None:
            if value and not re.fullmatch(rf"{CENTURY}.*\S", str(value)):
                raise ValidationError("A moment like 2026-11-23T09:00:00Z, from 2000 to 2099.")
            moment: datetime | None = super().to_python(value)
            return moment and moment.astimezone(UTC)


class Filters(filters.FilterSet):
    def is_valid(self) -> bool:
        """Besides what each says: an empty choice is none, and no text is endless."""
        asked = {name: text for name, text in (self.data or {}).items() if name in self.filters and name not in self.form.errors}
        for name, text in asked.items():
            if not text and not isinstance(self.filters[name], filters.CharFilter):
                self.form.add_error(name, "It is empty.")
            elif len(text) > LONGEST:
                self.form.add_error(name, f"At most {LONGEST} characters.")
        return bool(super().is_valid())
