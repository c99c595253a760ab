"""The shapes of documents received and of rows posted."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.bodies import Body, Contradiction, Day
from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.serializers.ids import PublicIdField
from ingestion.models import RejectedRow, Report
from ingestion.refusals import BadRow
from ingestion.reports import UPLOADABLE, defect_row
from ingestion.reports.kind import ORDER_ID, Column, Kind
from metrics import defects
from metrics.facts import DefectKind

REPORT: dict[str, Any] = {
    "id": "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "account": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "report_type": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
    "marketplace": "DE",
    "source": "upload",
    "status": "loaded",
    "rows": {"read": 1204, "new": 1187, "changed": 3, "unchanged": 13, "rejected": 1},
    "problem": None,
    "warnings": [],
    "encoding": "utf-8",
    "encoding_reason": "Every byte of the document is valid UTF-8.",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "size": 402113,
    "blanked_columns": [],
    "document_deleted_at": None,
    "period_from": None,
    "period_to": None,
    "received_at": "2026-11-22T09:00:00Z",
    "loaded_at": "2026-11-22T09:00:01Z",
    "duplicate": False,
}
QUEUED = REPORT | {
    "status": "queued",
    "rows": {"read": 0, "new": 0, "changed": 0, "unchanged": 0, "rejected": 0},
    "encoding": "",
    "encoding_reason": "",
    "loaded_at": None,
}
DOCUMENT_KINDS = {
    "data": [
        {
            "report_types": ["feedback_removals"],
            "title": "Feedback removals, CSV",
            "about": "Feedback that Amazon or the buyer removed.",
            "format": "csv",
            "uploaded": True,
            "columns": [{"name": "order_id", "meaning": "the order", "needed": True}],
            "example": "order_id,removed_on\n302-1234567-1234567,2025-10-20\n",
            "source": "Underone's own layout",
        }
    ],
    "next_cursor": None,
}
REJECTED_ROW = {"line": 17, "reason": "amazon-order-id 'abc' is no Amazon order id (like 123-1234567-1234567)."}
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
LONGEST_PERIOD = 3 * 366
KINDS = tuple(defects.STATES)
STATES = tuple(dict.fromkeys(state for states in defects.STATES.values() for state in states))


class RowsSerializer(serializers.Serializer[Report]):
    """How many rows of the document did what."""

    read = serializers.IntegerField(source="rows_read")
    new = serializers.IntegerField(source="rows_new", help_text="Told of something unknown.")
    changed = serializers.IntegerField(source="rows_changed", help_text="Changed something known.")
    unchanged = serializers.IntegerField(source="rows_unchanged", help_text="Told nothing new: repeats, items, older news.")
    rejected = serializers.IntegerField(source="rows_rejected", help_text="Could not be used; see rejected-rows.")


class ProblemOfReport(serializers.Serializer[Any]):
    """Why a document was refused whole."""

    type = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A loaded report", value=REPORT, response_only=True)])
class ReportSerializer(serializers.Serializer[Report]):
    id = PublicIdField()
    account = serializers.SerializerMethodField()
    report_type = serializers.CharField(allow_blank=True, help_text="Empty until it is recognised.")
    marketplace = serializers.CharField(help_text="The store that dates in it are written for.")
    source = serializers.ChoiceField(choices=Report.Source.choices)  # type: ignore[assignment]  # a field of the contract
    status = serializers.ChoiceField(
        choices=Report.Status.choices,
        help_text="`rejected`: refused whole, nothing changed. `failed`: our fault; it was tried several times.",
    )
    rows = RowsSerializer(source="*")
    problem = ProblemOfReport(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    encoding = serializers.CharField(allow_blank=True)
    encoding_reason = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes received.")
    blanked_columns = serializers.ListField(
        child=serializers.CharField(), help_text="Columns or elements of the kept document that were blanked: personal data."
    )
    document_deleted_at = serializers.DateTimeField(allow_null=True, help_text="The days that the agency keeps it were over.")
    period_from = serializers.DateField(allow_null=True, help_text="The first of the days of which it is whole.")
    period_to = serializers.DateField(allow_null=True, help_text="The last of them.")
    received_at = serializers.DateTimeField()
    loaded_at = serializers.DateTimeField(allow_null=True)
    duplicate = serializers.SerializerMethodField(help_text="This answer is to bytes that had been received before.")

    def get_account(self, report: Report) -> str:
        return public_account_id(report.account_id)

    def get_duplicate(self, report: Report) -> bool:
        return bool(self.context.get("duplicate"))


class Upload(Body):
    """A document, as it was downloaded; gzip is unpacked."""

    file = serializers.FileField(allow_empty_file=True)
    report_type = serializers.ChoiceField(
        choices=UPLOADABLE, required=False, help_text="Without it the kind is recognised by the header."
    )
    marketplace = serializers.ChoiceField(
        choices=CODES, required=False, help_text="The store a feedback report was made for. Without it: the home."
    )
    period_from = Day(
        required=False,
        help_text="With `period_to`: the report is whole for these days; feedback of them that it does not name was removed.",
    )
    period_to = Day(required=False, help_text="The last of these days; not later than tomorrow.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if missing := {"period_from", "period_to"} - attrs.keys():
            if len(missing) == 1:
                raise Contradiction({missing.pop(): "Name both days of the period, or neither."})
            return attrs
        first, last = attrs["period_from"], attrs["period_to"]
        if last < first:
            raise Contradiction({"period_to": "Before period_from."})
        if last > self.context["today"] + timedelta(days=1):
            raise Contradiction({"period_to": "Later than tomorrow."})
        if (last - first).days >= LONGEST_PERIOD:
            raise Contradiction({"period_from": f"A period has at most {LONGEST_PERIOD} days."})
        return attrs


class ColumnSerializer(serializers.Serializer[Column]):
    name = serializers.CharField(help_text="As the header writes it; case, blanks, dashes and underscores do not matter.")
    meaning = serializers.CharField()
    needed = serializers.BooleanField(help_text="Without it the document is refused.")


class DocumentKindSerializer(serializers.Serializer[Kind]):
    report_types = serializers.ListField(child=serializers.CharField(), help_text="Names under which it may be announced.")
    title = serializers.CharField()
    about = serializers.CharField()
    format = serializers.SerializerMethodField(help_text="tsv, csv, tsv or csv, json, xml.")
    uploaded = serializers.BooleanField(source="is_uploaded", help_text="False: its rows are posted to a path of their own.")
    columns = ColumnSerializer(many=True)
    example = serializers.CharField(help_text="A whole small document of this kind.")
    source = serializers.CharField(help_text="Who says so.")  # type: ignore[assignment]  # a field of the contract

    def get_format(self, kind: Kind) -> str:
        return kind.dialect.replace("_", " ")


@extend_schema_serializer(examples=[OpenApiExample("One kind", value=DOCUMENT_KINDS, response_only=True)])
class DocumentKindsAnswer(serializers.Serializer[Any]):
    data = DocumentKindSerializer(many=True)  # type: ignore[assignment]  # a field of the contract
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: the list is whole.")


@extend_schema_serializer(examples=[OpenApiExample("A row", value=REJECTED_ROW, response_only=True)])
class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    class Meta:
        model = RejectedRow
        fields = ("line", "reason")


class PostedDefect(Body):
    """One statement about one defect. A later one of the same (order_id, kind, reference) changes its state."""

    order_id = serializers.RegexField(f"^{ORDER_ID.pattern}$", help_text="Amazon's, like 302-1234567-1234567.")
    kind = serializers.ChoiceField(choices=KINDS)
    occurred_on = Day()
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="; ".join(f"{kind}: {', '.join(states)}" for kind, states in defects.STATES.items()),
    )
    rating = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=5, help_text="Stars; needed for posted feedback."
    )
    reference = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="Tells several defects of one kind apart."
    )
    updated_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="When the state became so; the latest wins. Without it, the moment we received it.",
    )
    funded_by = serializers.ChoiceField(choices=("seller", "amazon"), required=False, allow_blank=True)


def _where(**values: str) -> dict[str, Any]:
    """The condition that fields have these values."""
    return {"properties": {name: {"const": value} for name, value in values.items()}, "required": list(values)}


class PostedDefectScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """The states of each kind, and the stars of posted feedback, are in the document too: whoever keeps to it is not refused."""

    target_class = "ingestion.serializers.PostedDefect"

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
        defect_row.fact(row, latest=latest)
    except BadRow as bad:
        return {bad.field or "non_field_errors": bad.reason}
    return {}
