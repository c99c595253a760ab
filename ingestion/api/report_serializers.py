"""Define the request and response bodies of reports and rejected rows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import SellerAccountQuerySet, public_account_id
from accounts.requests.fields import (
    ChoiceOrNull,
    PublicIdField,
    TextOrNull,
    TranslatedText,
    TranslatedTextOrNull,
)
from api.strict_fields import Body, Choice, Contradiction, Day
from api.translation import translate
from ingestion.models import RejectedRow, Report
from ingestion.reports import REPORT_TYPE_BY_NAME, UPLOADABLE_NAMES

REPORT: dict[str, Any] = {
    "id": "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "account": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "report_type": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
    "marketplace": "DE",
    "source": "upload",
    "status": "loaded",
    "rows": {"read": 1204, "new": 1187, "changed": 3, "unchanged": 11, "rejected": 1, "set_apart": 2},
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
    "rows": {"read": 0, "new": 0, "changed": 0, "unchanged": 0, "rejected": 0, "set_apart": 0},
    "encoding": None,
    "encoding_reason": None,
    "loaded_at": None,
}
REJECTED_ROW = {
    "line": 17,
    "reason": "`amazon-order-id`: 'abc' is not a valid Amazon order ID; expected e.g. 123-1234567-1234567.",
}
NOT_LOADED = (
    "{missing} of the {stated} orders in this document are not loaded for this account. What the document says "
    "about them counts once they are loaded."
)
FOUND_ELSEWHERE = (
    "{orders} of these orders are loaded for the account {name} ({id}). Check that the document was uploaded to "
    "the right account."
)
MAX_PERIOD_DAYS = 3 * 366


class RowCountsSerializer(serializers.Serializer[Report]):
    """The number of rows in the report, by outcome."""

    read = serializers.IntegerField(source="rows_read", help_text="Rows read.")
    new = serializers.IntegerField(source="rows_new", help_text="Rows that added new facts.")
    changed = serializers.IntegerField(source="rows_changed", help_text="Rows that changed existing facts.")
    unchanged = serializers.IntegerField(
        source="rows_unchanged",
        help_text="Rows without effect: repeats, further items of an order, and older states.",
    )
    rejected = serializers.IntegerField(
        source="rows_rejected",
        help_text="Rows that could not be used. List them with `GET /v1/reports/{report_id}/rejected-rows`.",
    )
    set_apart = serializers.IntegerField(
        source="rows_set_apart",
        help_text="Rows of multi-channel orders, which Amazon ships for other shops. They count in no metric.",
    )


class ReportProblem(serializers.Serializer[Any]):
    """Why the report was rejected or could not be loaded."""

    type = serializers.CharField(help_text="A stable identifier of the problem.")
    title = TranslatedText(help_text="A short description of the problem.")
    detail = TranslatedText(help_text="What is wrong with this report and how to correct it.")


@extend_schema_serializer(examples=[OpenApiExample("Loaded report", value=REPORT, response_only=True)])
class ReportSerializer(serializers.Serializer[Report]):
    """A report: one document received for an account, and the result of loading it."""

    id = PublicIdField()
    account = serializers.SerializerMethodField(help_text="The account of the report.")
    report_type = ChoiceOrNull(
        tuple(REPORT_TYPE_BY_NAME), help_text="The report type. Null until it is detected."
    )
    marketplace = serializers.ChoiceField(
        choices=CODES, help_text="The marketplace whose date format and time zone the report uses."
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]  # name of a field
        choices=Report.Source.choices, help_text="`upload`, `json` (posted defects or facts) or `sp_api`."
    )
    status = serializers.ChoiceField(
        choices=Report.Status.choices,
        help_text="`queued`, `processing`, `loaded`, `rejected` (the document cannot be used, and "
        "nothing changed) or `failed` (an internal error occurred in several attempts).",
    )
    rows = RowCountsSerializer(source="*", help_text="The number of rows by outcome.")
    problem = ReportProblem(
        allow_null=True, help_text="Why the report was rejected or failed. Null for every other status."
    )
    warnings = serializers.SerializerMethodField(
        help_text="Warnings about the document that did not prevent loading, such as orders that are not "
        "loaded for the account, and the other account that has them."
    )
    encoding = TextOrNull(help_text="The character encoding of the document. Null until it is read.")
    encoding_reason = TranslatedTextOrNull(help_text="Why this encoding was chosen.")
    sha256 = serializers.CharField(help_text="SHA-256 digest of the bytes received, in hexadecimal.")
    size = serializers.IntegerField(help_text="Number of bytes received.")
    blanked_columns = serializers.ListField(
        child=serializers.CharField(),
        help_text="Columns or elements whose text was redacted from the stored document.",
    )
    document_deleted_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the document was deleted after its retention period. Null if it is stored.",
    )
    period_from = serializers.DateField(
        allow_null=True, help_text="First day of the period for which the report is complete."
    )
    period_to = serializers.DateField(allow_null=True, help_text="Last day of that period.")
    received_at = serializers.DateTimeField(help_text="When the document was received.")
    loaded_at = serializers.DateTimeField(
        allow_null=True, help_text="When the report was loaded. Null before that."
    )
    duplicate = serializers.SerializerMethodField(
        help_text="Whether the account already had a report with the same bytes and marketplace. The response then "
        "describes that report."
    )

    def get_account(self, report: Report) -> str:
        return public_account_id(report.account_id)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_warnings(self, report: Report) -> list[str]:
        missing = missing_order_warnings(report, self.context.get("accounts", {}))
        return [translate(warning) for warning in (*report.warnings, *missing)]

    def get_duplicate(self, report: Report) -> bool:
        return bool(self.context.get("duplicate"))


def found_accounts(reports: Iterable[Report], *, visible: SellerAccountQuerySet) -> dict[str, str]:
    """Return the names, by ID, of the accounts that have missing orders of these reports and are `visible`."""
    ids = {each for report in reports for each in (report.missing_orders or {}).get("found_in", ())}
    return {str(pk): name for pk, name in visible.filter(pk__in=ids).values_list("pk", "name")} if ids else {}


def missing_order_warnings(report: Report, accounts: Mapping[str, str]) -> Iterator[str]:
    """Yield the warnings about orders that the account did not have. Only `accounts` are named."""
    if not report.missing_orders:
        return
    yield NOT_LOADED.format(**report.missing_orders)
    for account_id, orders in sorted(report.missing_orders["found_in"].items(), key=lambda each: -each[1]):
        if name := accounts.get(account_id):
            yield FOUND_ELSEWHERE.format(orders=orders, name=name, id=public_account_id(UUID(account_id)))


class CreateReport(Body):
    """A document to upload."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="The document as it was downloaded, plain or gzip."
    )
    report_type = Choice(
        choices=UPLOADABLE_NAMES,
        required=False,
        help_text="The report type. If it is missing, it is detected from the header.",
    )
    marketplace = Choice(
        choices=CODES,
        required=False,
        help_text="The marketplace of the report. The default is the account's home marketplace.",
    )
    period_from = Day(
        required=False,
        help_text="First day of the period for which the report is complete. Send it together with "
        "`period_to`. Feedback of this period that the report does not list is marked as "
        "removed.",
    )
    period_to = Day(required=False, help_text="Last day of the period, at most tomorrow.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if missing := {"period_from", "period_to"} - attrs.keys():
            if len(missing) == 1:
                raise Contradiction({missing.pop(): "Send both `period_from` and `period_to`, or neither."})
            return attrs
        first, last = attrs["period_from"], attrs["period_to"]
        if last < first:
            raise Contradiction({"period_to": "`period_to` must not be before `period_from`."})
        if last > self.context["today"] + timedelta(days=1):
            raise Contradiction({"period_to": "`period_to` must not be later than tomorrow."})
        if (last - first).days >= MAX_PERIOD_DAYS:
            raise Contradiction(
                {"period_from": f"The period must not be longer than {MAX_PERIOD_DAYS} days."}
            )
        return attrs


@extend_schema_serializer(examples=[OpenApiExample("Rejected row", value=REJECTED_ROW, response_only=True)])
class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    """A row of a report that could not be used."""

    reason = TranslatedText(max_length=300, help_text="Why the row was rejected.")

    class Meta:
        model = RejectedRow
        fields = ("line", "reason")
        extra_kwargs: ClassVar = {
            "line": {"help_text": "The line of the row in the document, from 1."},
        }
