"""The shapes of defects that are posted, row by row."""

from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from api.strict_fields import Body, Contradiction, Day
from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import defect_row
from ingestion.reports.report_type import ORDER_ID
from metrics.rules import defects
from metrics.rules.facts import DefectKind

POSTED = {
    "defects": [
        {"order_id": "302-1234567-1234567", "kind": "a_to_z_claim", "occurred_on": "2026-10-20", "state": "pending"},
        {
            "order_id": "302-7654321-7654321",
            "kind": "feedback",
            "occurred_on": "2026-10-21",
            "state": "posted",
            "rating": 1,
        },
    ]
}
DEFECT_KINDS = tuple(defects.STATES)
STATES = tuple(dict.fromkeys(state for states in defects.STATES.values() for state in states))


class PostedDefect(Body):
    """One statement about one defect. A later one of the same (order_id, kind, reference) changes its state."""

    order_id = serializers.RegexField(
        f"^{ORDER_ID.pattern}$",
        help_text="Amazon's, like 302-1234567-1234567.",
        error_messages={"invalid": "An order id of Amazon's, like 302-1234567-1234567."},
    )
    kind = serializers.ChoiceField(choices=DEFECT_KINDS)
    occurred_on = Day()
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="; ".join(f"{kind}: {', '.join(states)}" for kind, states in defects.STATES.items()),
    )
    rating = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=5, help_text="Stars; needed for posted feedback."
    )
    reference = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=64, help_text="Tells several defects of one kind apart."
    )
    updated_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="When the state became so; the latest wins. Without it, the moment we received it.",
    )
    funded_by = serializers.ChoiceField(choices=("seller", "amazon"), required=False, allow_null=True)


def _where(**values: str) -> dict[str, Any]:
    """The condition that fields have these values."""
    return {"properties": {name: {"const": value} for name, value in values.items()}, "required": list(values)}


class PostedDefectScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """The states of each kind, and the stars of posted feedback, are in the document too: whoever keeps to it is not refused."""

    target_class = "ingestion.api.defect_serializers.PostedDefect"

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001
        states = [
            {"if": _where(kind=kind), "then": {"properties": {"state": {"enum": list(states)}}}}
            for kind, states in defects.STATES.items()
        ]
        others = [_where(kind=kind) for kind in defects.STATES if kind != DefectKind.FEEDBACK]
        removed = [_where(state=state) for state in defects.STATES[DefectKind.FEEDBACK] if state != defects.POSTED]
        with_stars = {"properties": {"rating": {"type": "integer"}}, "required": ["rating"]}
        return schema | {"allOf": [*states, {"anyOf": [*others, *removed, with_stars]}]}


@extend_schema_serializer(examples=[OpenApiExample("Two defects", value=POSTED, request_only=True)])
class PostedDefects(Body):
    defects = serializers.ListField(child=PostedDefect(), min_length=1, max_length=settings.DEFECTS_MAX_ROWS)


def check_rows(body: Any, *, most: int, latest: datetime) -> None:
    """Raises ValidationError unless every row could be loaded: none is, where one could not."""
    rows = body.get("defects") if isinstance(body, dict) else None
    if isinstance(rows, list) and len(rows) > most:
        raise serializers.ValidationError({"defects": f"At most {most} at a time; send the rest in another request."})
    PostedDefects(data=body if isinstance(body, dict) else {}).is_valid(raise_exception=True)
    if wrong := {str(index): error for index, row in enumerate(rows or ()) if (error := _error(row, latest))}:
        is_only_early = all(set(error) == {"updated_at"} for error in wrong.values())
        raise (Contradiction if is_only_early else serializers.ValidationError)({"defects": wrong})


def _error(row: Any, latest: datetime) -> dict[str, str]:
    """What is wrong with the row by its field, or nothing."""
    try:
        defect_row.build_fact(row, latest=latest)
    except InvalidRow as bad:
        return {bad.field or "non_field_errors": bad.reason}
    return {}
