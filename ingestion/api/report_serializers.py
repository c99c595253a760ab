"""The shapes of documents: as they are sent, and what became of them."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.requests.fields import ChoiceOrNull, PublicIdField, TextOrNull
from api.strict_fields import Body, Contradiction, Day
from ingestion.models import RejectedRow, Report
from ingestion.reports import REPORT_TYPE_BY_NAME, UPLOADABLE_NAMES

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
    "encoding": None,
    "encoding_reason": None,
    "loaded_at": None,
}
REJECTED_ROW = {"line": 17, "reason": "amazon-order-id 'abc' is not a valid Amazon order ID; expected e.g. 123-1234567-1234567."}
MAX_PERIOD_DAYS = 3 * 366


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
    report_type = ChoiceOrNull(tuple(REPORT_TYPE_BY_NAME), help_text="Null until it is recognized.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="The store that dates in it are written for.")
    source = serializers.ChoiceField(choices=Report.Source.choices)  # type: ignore[assignment]  # a field of the contract
    status = serializers.ChoiceField(
        choices=Report.Status.choices,
        help_text="`rejected`: refused whole, nothing changed. `failed`: our fault; it was tried several times.",
    )
    rows = RowsSerializer(source="*")
    problem = ProblemOfReport(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    encoding = TextOrNull(help_text="The text encoding that the document was read with. Null until it is read.")
    encoding_reason = TextOrNull(help_text="Why this encoding was chosen.")
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
        choices=UPLOADABLE_NAMES, required=False, help_text="Without it the kind is recognised by the header."
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
        if (last - first).days >= MAX_PERIOD_DAYS:
            raise Contradiction({"period_from": f"A period has at most {MAX_PERIOD_DAYS} days."})
        return attrs


@extend_schema_serializer(examples=[OpenApiExample("A row", value=REJECTED_ROW, response_only=True)])
class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    class Meta:
        model = RejectedRow
        fields = ("line", "reason")
