"""What a request says, taken as it is written: a text is no number, and nothing is guessed."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

CONTRADICTION, ABSENT = "contradiction", "absent"
STATUS = {CONTRADICTION: 409, ABSENT: 404}
CENTURY = r"^20[0-9]{2}-"
DAY = CENTURY + r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
NUMBERS = (serializers.FloatField, serializers.DecimalField)


class Contradiction(ValidationError):
    """Well-formed, and it cannot be: it contradicts itself, what there is, or the moment. Answered as 409, with its fields."""

    status_code = 409

    def __init__(self, detail: Any) -> None:
        super().__init__(detail, code=CONTRADICTION)


class Absent(ValidationError):
    """Well-formed, and it names what is not there for this bearer. Answered as 404, with its fields."""

    status_code = 404

    def __init__(self, detail: Any) -> None:
        super().__init__(detail, code=ABSENT)


@extend_schema_field({"type": "string", "format": "date", "pattern": DAY})
class Day(serializers.DateField):
    def to_internal_value(self, value: Any) -> date:
        """Arithmetic with days ends where the calendar does: those of this century are asked for, and written one way."""
        if not re.fullmatch(DAY, str(value)):
            self.fail("invalid", format="YYYY-MM-DD, from 2000 to 2099")
        return super().to_internal_value(value)


@extend_schema_field({"type": "string", "format": "date-time", "pattern": CENTURY})
class Instant(serializers.DateTimeField):
    def to_internal_value(self, value: Any) -> datetime:
        """As of days."""
        if not re.match(CENTURY, str(value)):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ, from 2000 to 2099")
        return super().to_internal_value(value)


class Body(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError for JSON of other types than the document tells. A form has texts and files alone."""
        if isinstance(data, Mapping) and not isinstance(data, QueryDict) and (wrong := dict(_misfits(self, data))):
            raise ValidationError(wrong)
        return super().to_internal_value(data)


def _misfits(body: serializers.Serializer[Any], data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, field in body.fields.items():
        if not field.read_only and data.get(name) is not None and (problem := misfit(field, data[name])):
            yield name, problem


def misfit(field: serializers.Field[Any, Any, Any, Any], value: Any) -> Any:
    """Why a value of JSON, null apart, is not of the field's type; nothing where it is, or where the field itself looks."""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        return longer_than_taken(field, value) or dict(_misfits_within(field, value))
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else ["True or false."]
    if isinstance(field, serializers.IntegerField):
        return None if _is_number(value) and value == value // 1 else ["A whole number."]
    if isinstance(field, NUMBERS):
        return None if _is_number(value) else ["A number."]
    if isinstance(field, (serializers.BaseSerializer, serializers.ListField, serializers.DictField, serializers.JSONField)):
        return None
    return _misfit_text(field, value) if isinstance(value, str) else ["A text."]


def _misfit_text(field: serializers.Field[Any, Any, Any, Any], value: str) -> list[str] | None:
    """A text is as long as it was sent, and matches as it was sent: the field looks once the blanks around it are gone."""
    if isinstance(field, serializers.RegexField) and value != value.strip():
        return [str(field.error_messages["invalid"])]
    return longer_than_taken(field, value)


def _misfits_within(field: serializers.ListField, value: list[Any]) -> Iterator[tuple[int, Any]]:
    for place, each in enumerate(value):
        if each is not None and (problem := misfit(field.child, each)):
            yield place, problem


def longer_than_taken(field: serializers.Field[Any, Any, Any, Any], value: list[Any] | str) -> list[str] | None:
    """Why a list or a text is too long for its field. Ask it of a list before anything in it is looked at: DRF asks after."""
    most = getattr(field, "max_length", None)
    if most is None or len(value) <= most:
        return None
    return [str(field.error_messages["max_length"]).format(max_length=most)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def status_of(detail: Any) -> int:
    """409 or 404 where all that is wrong contradicts something or is not there; else 400."""
    return max((STATUS.get(code, 400) for code in _codes(detail)), key=[404, 409, 400].index)


def _codes(detail: Any) -> Iterator[str]:
    if isinstance(detail, (dict, list)):
        for inner in detail.values() if isinstance(detail, dict) else detail:
            yield from _codes(inner)
    else:
        yield detail.code
