"""Define the fields of posted facts, and the body that accepts no others."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api import choices
from api.problems import MAX_ERRORS
from api.strict_fields import Body
from ingestion.reports import items
from ingestion.reports.cells import MAX_REFERENCE_LENGTH
from ingestion.reports.report_type import ORDER_ID, Column

# Only days that exist: a day that the pattern accepts must not be refused for its form.
DAY = (
    r"(20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|20([02468][048]|[13579][26])-02-29)"
)
TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
FORM_OF_DAY_OR_TIME = "A day (`YYYY-MM-DD`), or a time with a UTC offset (RFC 3339); from 2000 to 2099."
REASON_CODE = "^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$"
MAX_PRICE = 999_999_999


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": f"^{items.PRICE.pattern}$"},
            {"type": "number", "minimum": 0, "maximum": MAX_PRICE},
        ]
    }
)
class Price(serializers.JSONField):
    """Accept an amount as a decimal text or as a number."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            is_price = bool(items.PRICE.fullmatch(data))
        else:
            is_number = isinstance(data, (int, float)) and not isinstance(data, bool)
            is_price = is_number and 0 <= data <= MAX_PRICE
        if not is_price:
            raise serializers.ValidationError("Enter an amount, as a text such as 12.90 or as a number.")
        return data


class DayOrTime(serializers.RegexField):
    """Accept a day, or a time with a UTC offset."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["help_text"] = f"{kwargs['help_text']} {FORM_OF_DAY_OR_TIME}"
        kwargs["error_messages"] = {"invalid": FORM_OF_DAY_OR_TIME}
        super().__init__(f"^{DAY}({TIME})?$", **kwargs)


@extend_schema_field({"type": "string", "format": "date-time", "pattern": f"^{DAY}{TIME}$"})
class Moment(serializers.RegexField):
    """Accept a time with a UTC offset."""

    def __init__(self, **kwargs: Any) -> None:
        invalid = "Enter a time with a UTC offset (RFC 3339), from 2000 to 2099."
        super().__init__(f"^{DAY}{TIME}$", error_messages={"invalid": invalid}, **kwargs)


class FactBody(Body):
    # Refused, unlike in other bodies: a field that is left out states that nothing is known, so the mistyped
    # name of one would change metrics.
    def to_internal_value(self, data: Any) -> Any:
        """Raise ValidationError for fields that are not documented."""
        if isinstance(data, Mapping) and (others := [name for name in data if name not in self.fields]):
            # More are not listed, and a body may have a hundred thousand.
            raise serializers.ValidationError(
                {
                    name: choices.unknown(name, what="a field of this object", accepted=self.fields)
                    for name in others[: MAX_ERRORS + 1]
                }
            )
        return super().to_internal_value(data)


def describe(column: Column) -> dict[str, Any]:
    """Return the arguments of a field: its meaning, and whether it may be left out or null."""
    help_text = f"{column.meaning[0].upper()}{column.meaning[1:]}."
    optional = {} if column.needed else {"required": False, "allow_null": True}
    return {"help_text": help_text, **optional}


def order_id(column: Column) -> serializers.RegexField:
    message = "Enter an Amazon order ID, e.g. 302-1234567-1234567."
    return serializers.RegexField(
        f"^{ORDER_ID.pattern}$", error_messages={"invalid": message}, **describe(column)
    )


def text(column: Column, max_length: int = MAX_REFERENCE_LENGTH) -> serializers.CharField:
    return serializers.CharField(allow_blank=not column.needed, max_length=max_length, **describe(column))


def asin(column: Column) -> serializers.RegexField:
    message = "Enter an ASIN: ten digits and capital letters."
    return serializers.RegexField(
        f"^{items.ASIN.pattern}$", error_messages={"invalid": message}, **describe(column)
    )


def whole_number(column: Column, least: int, most: int) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=least, max_value=most, **describe(column))
