"""Check request bodies strictly against the documented types. A text is never accepted as a number."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NoReturn

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from api import choices

CONTRADICTION, ABSENT = "contradiction", "absent"
STATUS = {CONTRADICTION: 409, ABSENT: 404}
CENTURY = r"^20[0-9]{2}-"
DAY = CENTURY + r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
NUMBERS = (serializers.FloatField, serializers.DecimalField)


class Contradiction(ValidationError):
    """Signal a well-formed request that contradicts itself, stored data, or the time: 409 with fields."""

    status_code = 409

    def __init__(self, detail: Any) -> None:
        super().__init__(detail, code=CONTRADICTION)


class Absent(ValidationError):
    """Signal a well-formed request that names something which the principal cannot see: 404 with its
    fields."""

    status_code = 404

    def __init__(self, detail: Any) -> None:
        super().__init__(detail, code=ABSENT)


@extend_schema_field({"type": "string", "format": "date", "pattern": DAY})
class Day(serializers.DateField):
    """Accept a day as YYYY-MM-DD, from 2000 to 2099.

    Calculations with other years can leave Python's calendar.
    """

    def to_internal_value(self, value: Any) -> date:
        if not re.fullmatch(DAY, str(value)):
            self.fail("invalid", format="YYYY-MM-DD (2000-2099)")
        return super().to_internal_value(value)


@extend_schema_field({"type": "string", "format": "date-time", "pattern": CENTURY})
class Instant(serializers.DateTimeField):
    """Accept a moment from 2000 to 2099."""

    def to_internal_value(self, value: Any) -> datetime:
        if not re.match(CENTURY, str(value)):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ (2000-2099)")
        return super().to_internal_value(value)


class Choice(serializers.ChoiceField):
    """Accept one of the choices. A refusal lists them and never repeats the value."""

    default_error_messages = {"invalid_choice": "{expected}"}  # noqa: RUF012  as DRF declares it

    def fail(self, key: str, **context: Any) -> NoReturn:
        if key == "invalid_choice":
            context["expected"] = choices.expected(
                map(str, self.choice_strings_to_values), given=context.get("input")
            )
        super().fail(key, **context)


# Declares fields that are named like a Python keyword with an underscore at the end: `from_` is the field
# `from`. No docstring: the OpenAPI document would show it as the description of every serializer that has
# none.
class KeywordFields(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {name.removesuffix("_"): field for name, field in super().get_fields().items()}


class Body(serializers.Serializer[Any]):
    # For the fields that a ModelSerializer builds itself.
    serializer_choice_field: Any = Choice

    def to_internal_value(self, data: Any) -> Any:
        """Raise ValidationError for JSON values of other types than documented.

        Form fields are texts, so they are not checked.
        """
        if (
            isinstance(data, Mapping)
            and not isinstance(data, QueryDict)
            and (errors := dict(_type_errors(self, data)))
        ):
            raise ValidationError(errors)
        return super().to_internal_value(data)


def _type_errors(body: serializers.Serializer[Any], data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, field in body.fields.items():
        if not field.read_only and data.get(name) is not None and (error := type_error(field, data[name])):
            yield name, error


def type_error(field: serializers.Field[Any, Any, Any, Any], value: Any) -> Any:
    """Return the reason why a JSON value does not have the field's type, or None if it does or if the field
    checks the type itself."""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        return length_error(field, value) or dict(_item_errors(field, value))
    # DRF also accepts "yes", "on" and 1, and reads texts as numbers.
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else ["Must be true or false."]
    # JSON has one type of number: 3.0 is the whole number 3.
    if isinstance(field, serializers.IntegerField):
        return None if _is_number(value) and value == value // 1 else ["Must be a whole number."]
    if isinstance(field, NUMBERS):
        return None if _is_number(value) else ["Must be a number."]
    if isinstance(
        field,
        (serializers.BaseSerializer, serializers.ListField, serializers.DictField, serializers.JSONField),
    ):
        return None
    return _text_error(field, value) if isinstance(value, str) else ["Must be a string."]


def _text_error(field: serializers.Field[Any, Any, Any, Any], value: str) -> list[str] | None:
    # DRF's fields trim the text before they check it; length and pattern apply to the text as it was sent.
    if isinstance(field, serializers.RegexField) and value != value.strip():
        return [str(field.error_messages["invalid"])]
    return length_error(field, value)


def _item_errors(field: serializers.ListField, value: list[Any]) -> Iterator[tuple[int, Any]]:
    for index, item in enumerate(value):
        if item is not None and (error := type_error(field.child, item)):
            yield index, error


def length_error(field: serializers.Field[Any, Any, Any, Any], value: list[Any] | str) -> list[str] | None:
    """Return the reason why a list or text is too long.

    Call this before the items of a list are checked, because DRF checks the length only afterwards.
    """
    max_length = getattr(field, "max_length", None)
    if max_length is None or len(value) <= max_length:
        return None
    return [str(field.error_messages["max_length"]).format(max_length=max_length)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def status_of(detail: Any) -> int:
    """Return 409 if every error of a ValidationError is a contradiction, 404 if every error is about an
    absent object, and otherwise 400."""
    return max((STATUS.get(code, 400) for code in _codes(detail)), key=[404, 409, 400].index)


def _codes(detail: Any) -> Iterator[str]:
    if isinstance(detail, (dict, list)):
        for nested in detail.values() if isinstance(detail, dict) else detail:
            yield from _codes(nested)
    else:
        yield detail.code
