"""Define the base classes for the filters of lists."""

import re
from datetime import UTC, datetime
from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError
from django.forms import ChoiceField

from api import choices
from api.strict_fields import CENTURY

MAX_LENGTH = 200


class InstantFilter(filters.IsoDateTimeFilter):
    """Accept a moment from 2000 to 2099 and pass it on in UTC."""

    class field_class(filters.fields.IsoDateTimeField):  # noqa: N801  the framework's name
        def to_python(self, value: Any) -> datetime | None:
            if value and not re.fullmatch(rf"{CENTURY}.*\S", str(value)):
                raise ValidationError("Expected a moment such as 2026-11-23T09:00:00Z, from 2000 to 2099.")
            moment: datetime | None = super().to_python(value)
            # PostgreSQL rejects some offsets that Python accepts.
            return moment and moment.astimezone(UTC)


class Filters(filters.FilterSet):
    """Reject empty choices and overlong texts, in addition to what each filter checks."""

    def is_valid(self) -> bool:
        for name, field in self.form.fields.items():
            if isinstance(field, ChoiceField):
                labels: Any = field.choices
                accepted = [str(value) for value, _label in labels if value]
                given = (self.data or {}).get(name)
                field.error_messages["invalid_choice"] = choices.expected(accepted, given=given)
        params = {
            name: text
            for name, text in (self.data or {}).items()
            if name in self.filters and name not in self.form.errors
        }
        for name, text in params.items():
            # django-filter takes an empty value for an absent one, and would return everything.
            if not text and not isinstance(self.filters[name], filters.CharFilter):
                self.form.add_error(name, "This parameter must not be empty.")
            elif len(text) > MAX_LENGTH:
                self.form.add_error(name, f"Must have at most {MAX_LENGTH} characters.")
        return bool(super().is_valid())
