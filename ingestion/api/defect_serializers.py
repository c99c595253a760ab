"""Define and validate the request body of posted defects."""

from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from api.problems import MAX_ERRORS
from api.strict_fields import Body, Choice, Contradiction, Day
from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import defect_row
from ingestion.reports.report_type import ORDER_ID
from metrics.rules import defects, return_reasons
from metrics.rules.facts import DefectKind

ROWS_AT_ONCE = 200
EXAMPLE = {
    "defects": [
        {
            "order_id": "302-1234567-1234567",
            "kind": "a_to_z_claim",
            "occurred_on": "2026-10-20",
            "state": "pending",
            "reason_code": "NEVER_ARRIVED",
        },
        {
            "order_id": "302-7654321-7654321",
            "kind": "feedback",
            "occurred_on": "2026-10-21",
            "state": "posted",
            "rating": 1,
        },
    ]
}
# Narrower than what a file may have (`return_reasons.CODE`), so that every text that matches is a code.
REASON_CODE = "^[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*$"
DEFECT_KINDS = tuple(defects.STATES)
STATES = tuple(dict.fromkeys(state for states in defects.STATES.values() for state in states))


class CreateDefect(Body):
    """The state of one defect. A later row with the same `order_id`, `kind` and `reference` updates it."""

    order_id = serializers.RegexField(
        f"^{ORDER_ID.pattern}$",
        help_text="Amazon's order ID, such as 302-1234567-1234567.",
        error_messages={"invalid": "Enter an Amazon order ID, e.g. 302-1234567-1234567."},
    )
    kind = Choice(choices=DEFECT_KINDS, help_text="The kind of defect.")
    occurred_on = Day(help_text="The day of the claim, chargeback or feedback.")
    state = Choice(
        choices=STATES,
        help_text="The state of the defect. "
        + "; ".join(
            f"`{kind}`: {', '.join(f'`{state}`' for state in states)}"
            for kind, states in defects.STATES.items()
        ),
    )
    rating = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=5,
        help_text="The number of stars, from 1 to 5. It is required for feedback with the state `posted`.",
    )
    reference = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=64,
        help_text="Distinguishes several defects of one kind on one order, such as a claim ID.",
    )
    updated_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text=(
            "When the state was reached. The latest state wins. The default is the time at which the "
            "request was received."
        ),
    )
    funded_by = Choice(
        choices=("seller", "amazon"),
        required=False,
        allow_null=True,
        help_text="The party that paid. It does not affect whether the defect counts.",
    )
    reason_code = serializers.RegexField(
        REASON_CODE,
        required=False,
        allow_null=True,
        max_length=return_reasons.MAX_LENGTH,
        help_text=(
            "Amazon's code of the reason, such as `NEVER_ARRIVED`. It does not affect whether the defect counts."
        ),
        error_messages={
            "invalid": "Enter a code of letters, digits, hyphens and underscores, e.g. NEVER_ARRIVED."
        },
    )


def _condition(**values: str) -> dict[str, Any]:
    """Return the JSON Schema condition that fields have these values."""
    return {
        "properties": {name: {"const": value} for name, value in values.items()},
        "required": list(values),
    }


class CreateDefectExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Add to the schema which states each kind has and when a rating is required, so that valid requests are
    accepted.
    """

    target_class = "ingestion.api.defect_serializers.CreateDefect"

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        # `bypass_extensions`: or drf-spectacular would call this method again, without end.
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001
        states = [
            {"if": _condition(kind=kind), "then": {"properties": {"state": {"enum": list(states)}}}}
            for kind, states in defects.STATES.items()
        ]
        others = [_condition(kind=kind) for kind in defects.STATES if kind != DefectKind.FEEDBACK]
        removed = [
            _condition(state=state)
            for state in defects.STATES[DefectKind.FEEDBACK]
            if state != defects.POSTED
        ]
        with_stars = {"properties": {"rating": {"type": "integer"}}, "required": ["rating"]}
        return schema | {"allOf": [*states, {"anyOf": [*others, *removed, with_stars]}]}


@extend_schema_serializer(examples=[OpenApiExample("Two defects", value=EXAMPLE, request_only=True)])
class CreateDefects(Body):
    """Defects to create or update."""

    defects = serializers.ListField(child=CreateDefect(), min_length=1, max_length=settings.DEFECTS_MAX_ROWS)


def check_rows(body: Any, *, max_rows: int, latest: datetime) -> None:
    """Raise ValidationError unless every row is valid. `latest` is the latest allowed `updated_at`.

    Raises Contradiction if the only errors are `updated_at` values out of range.
    """
    rows = body.get("defects") if isinstance(body, dict) else None
    # Before the rows are validated: DRF checks `max_length` only after it has validated each of them, so a
    # long body would first produce an error for each row.
    if isinstance(rows, list) and len(rows) > max_rows:
        raise serializers.ValidationError({"defects": f"Send at most {max_rows} defects in one request."})
    if not rows or not isinstance(rows, list):
        CreateDefects(data=body if isinstance(body, dict) else {}).is_valid(raise_exception=True)
    _check_fields(rows or [])
    if errors := {
        str(index): error for index, row in enumerate(rows or ()) if (error := _error(row, latest))
    }:
        # Such a body matches the OpenAPI document, which cannot state the latest
        # time that is allowed now (ADR 12).
        is_only_early = all(set(error) == {"updated_at"} for error in errors.values())
        raise (Contradiction if is_only_early else serializers.ValidationError)({"defects": errors})


def _check_fields(rows: list[Any]) -> None:
    """Raise ValidationError for rows whose fields are invalid. If there are many, not all of them are looked at."""
    # An empty object takes as long to validate as a whole row, and ten thousand of them take seconds.
    errors: dict[str, Any] = {}
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = CreateDefects(data={"defects": rows[start : start + ROWS_AT_ONCE]})
        if not part.is_valid():
            errors |= {str(start + int(index)): error for index, error in part.errors["defects"].items()}
        if len(errors) > MAX_ERRORS:
            break
    if errors:
        raise serializers.ValidationError({"defects": errors})


def _error(row: Any, latest: datetime) -> dict[str, str]:
    """Return the error of the row by field, or an empty dict."""
    try:
        defect_row.build_fact(row, latest=latest)
    except InvalidRow as error:
        return {error.field or "non_field_errors": error.reason}
    return {}
