"""Serve reports: upload, list, get, rejected rows, document; post defects and facts; list report types."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.http import FileResponse, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import authentication
from accounts.models import SellerAccount
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api import etags
from api.strict_fields import Contradiction
from ingestion import intake, intake_limits
from ingestion.api.defect_serializers import CreateDefects, check_rows
from ingestion.api.fact_serializers import CreateFacts, check_facts
from ingestion.api.renderers import RejectedRowsCsv
from ingestion.api.report_serializers import (
    QUEUED,
    REPORT,
    CreateReport,
    RejectedRowSerializer,
    ReportSerializer,
    found_accounts,
)
from ingestion.api.report_type_serializers import ReportTypeList
from ingestion.api.uploads import FORM_OVERHEAD, DocumentTooLarge
from ingestion.documents import stored_documents
from ingestion.documents.stored_documents import DocumentMissing, DocumentNotReady
from ingestion.models import RejectedRow, Report
from ingestion.reports import REPORT_TYPES
from ingestion.reports.report_type import ParseContext, latest_allowed_time

ACCEPTED = OpenApiResponse(
    ReportSerializer,
    description="Accepted. A worker loads the report.",
    examples=[OpenApiExample("Queued report", value=QUEUED)],
)
DUPLICATE = OpenApiResponse(
    ReportSerializer,
    description="The account already has a report with the same bytes and marketplace. The response describes that report.",
    examples=[OpenApiExample("Existing report", value=REPORT | {"duplicate": True})],
)


class LengthRequired(APIException):
    """Raise when an upload has no Content-Length."""

    status_code = 411
    default_code = "length-required"
    default_detail = (
        "The request needs a Content-Length header. Chunked transfer encoding is not supported for uploads."
    )


class DocumentDeleted(APIException):
    """Raise when the document of a report is past retention."""

    status_code = 410
    default_code = "document-deleted"
    default_detail = (
        "The document was deleted because the agency's retention period for documents is over. Its "
        "facts are still counted."
    )


BYTES_A_UNIT = 100_000
"""How many bytes of posted facts cost one unit of the rate limit."""
NEVER_REDACTED = "The document could not be loaded and was deleted. Upload it again."


def report_of(request: Request, public_id: str) -> Report:
    """Return the report with this public ID.

    Raises NotFound, also for a report that the principal may not see.
    """
    reports = Report.objects.filter(
        agency=context.agency_of(request), account__in=context.visible_accounts(request)
    )
    return context.get_or_404(reports, kind="rpt", public_id=public_id, name="report")


def _accounts_context(request: Request, reports: Sequence[Report]) -> dict[str, Any]:
    """Return the serializer context with the accounts that have missing orders, as far as the principal can
    see them."""
    return {"accounts": found_accounts(reports, visible=context.visible_accounts(request))}


def request_digest(upload: dict[str, Any]) -> bytes:
    """Return what identifies an upload for idempotency: a digest of the file's SHA-256 and its fields."""
    # The body itself is no identity: a client that repeats a request chooses another multipart boundary.
    fields = {name: str(value) for name, value in upload.items() if name != "file"}
    return hashlib.sha256(json.dumps([upload["file"].sha256, fields], sort_keys=True).encode()).digest()


def _receive(
    request: Request, account: SellerAccount, received: intake.ReceivedDocument, now: datetime
) -> Response:
    intake_limits.check(agency=context.agency_of(request), size=received.content.size)
    actor = context.principal(request).actor
    report, duplicate = intake.receive(account=account, received=received, actor=actor, now=now)
    more = _accounts_context(request, [report]) | {"duplicate": duplicate}
    body = ReportSerializer(report, context=more).data
    return Response(
        body, status=200 if duplicate else 202, headers={"Location": f"/v1/reports/{report.public_id}"}
    )


# Otherwise ATOMIC_REQUESTS would keep a transaction open while the body streams in, which a slow client can
# stretch to hours. Its snapshot would keep VACUUM from removing rows.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ReportListView(Collection[Report]):
    """List and create reports.

    Each step of an upload opens the tenant context's transaction for itself:

    1. Check the account and Content-Length.
    2. Stream the body.
    3. Authenticate again, check the account again, and receive the document.
    """

    # The empty queryset is for the OpenAPI document; requests filter by account.
    queryset = Report.objects.none()
    serializer_class = ReportSerializer
    parser_classes = (MultiPartParser,)
    streamed_methods = ("post",)
    problems = {"post": (LengthRequired, DocumentTooLarge, *intake_limits.PROBLEMS)}  # noqa: RUF012

    @extend_schema(
        operation_id="listReports",
        summary="List reports",
        description="Returns the reports of an account, newest first.",
        tags=["Reports"],
        responses=ReportSerializer(many=True),
    )
    def get(self, request: Request, account_id: str) -> Response:
        with context.for_request(request):
            account = context.visible_account(request, account_id)
            reports = Report.objects.filter(agency_id=account.agency_id, account=account)
            page = self.paginate_queryset(reports) or []
            serializer = ReportSerializer(page, many=True, context=_accounts_context(request, page))  # type: ignore[arg-type]
            return self.get_paginated_response(serializer.data)

    @extend_schema(
        operation_id="createReport",
        summary="Upload a report",
        description="Uploads an Amazon report or an import file. The response is 202 with the queued report; "
        "poll it or subscribe to `report.loaded` and `report.rejected`. A worker redacts personal data before it "
        "loads the report, unless the agency has set `keeps_personal_columns`. If the account already has "
        "a report with the same bytes and marketplace, the response is 200 with that report. It is loaded "
        "again if it was rejected, or if only this request states a period.",
        tags=["Reports"],
        request={"multipart/form-data": CreateReport},
        responses={202: ACCEPTED, 200: DUPLICATE},
    )
    def post(self, request: Request, account_id: str) -> HttpResponse:
        # DRF reads the body at the first access to `request.data`, so everything that can refuse the
        # upload without it stands before.
        account = self._account_before_body(request, account_id)
        now = timezone.now()
        body = CreateReport(data=request.data, context={"today": now.astimezone(UTC).date()})
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        received = intake.ReceivedDocument(
            content=fields["file"],
            sha256=fields["file"].sha256,
            source=Report.Source.UPLOAD,
            announced_type=fields.get("report_type", ""),
            marketplace=fields.get("marketplace", account.home_marketplace),
            is_marketplace_stated="marketplace" in fields,
            period=(fields["period_from"], fields["period_to"]) if "period_from" in fields else None,
        )
        with context.for_request(request):
            account = self._account_after_body(request, account_id)
            return self.idempotent(
                request,
                body=request_digest(fields),
                act=lambda: _receive(request, account, received, now),
            )

    def _account_before_body(self, request: Request, account_id: str) -> SellerAccount:
        """Return the account after checking it and Content-Length, before a byte of the body is read."""
        with context.for_request(request):
            account = context.visible_account(request, account_id)
            # Django reads as many bytes as Content-Length states. Without it, every upload would look empty.
            if not (request.META.get("CONTENT_LENGTH") or "").isdecimal():
                raise LengthRequired
            if int(request.META["CONTENT_LENGTH"]) > settings.REPORT_MAX_BYTES + FORM_OVERHEAD:
                raise DocumentTooLarge
            intake_limits.check(
                agency=context.agency_of(request), size=int(request.META["CONTENT_LENGTH"]) - FORM_OVERHEAD
            )
        return account

    def _account_after_body(self, request: Request, account_id: str) -> SellerAccount:
        """Return the account after authenticating again."""
        # While the body streamed in, the key may have been revoked, the role changed or the account deleted.
        authentication.reauthenticate(request)
        self.check_permissions(request)
        return context.visible_account(request, account_id)


class ReportTypeListView(Resource):
    """List the supported report types."""

    @extend_schema(
        operation_id="listReportTypes",
        summary="List supported report types",
        description="Returns every report type with its columns and an example document.",
        tags=["Reports"],
        responses=ReportTypeList,
    )
    def get(self, request: Request) -> Response:
        return Response(ReportTypeList({"data": REPORT_TYPES, "next_cursor": None}).data)


class ReportView(Resource):
    """Returns one report."""

    @extend_schema(
        operation_id="getReport", summary="Get a report", tags=["Reports"], responses=ReportSerializer
    )
    def get(self, request: Request, report_id: str) -> Response:
        report = report_of(request, report_id)
        return Response(ReportSerializer(report, context=_accounts_context(request, [report])).data)


class RejectedRowListView(Collection[RejectedRow]):
    """List the rejected rows of a report."""

    renderer_classes = (JSONRenderer, RejectedRowsCsv)
    # The empty queryset is for the OpenAPI document; requests filter by report.
    queryset = RejectedRow.objects.none()
    serializer_class = RejectedRowSerializer

    def get_ordering(self) -> str:
        # The rows' primary key ends with it, so pages follow the key and read like the document.
        return "line"

    @extend_schema(
        operation_id="listRejectedRows",
        summary="List rejected rows",
        description="Returns the rows of a report that could not be used, each with its line and the reason.",
        tags=["Reports"],
        responses=RejectedRowSerializer(many=True),
    )
    def get(self, request: Request, report_id: str) -> Response:
        report = report_of(request, report_id)
        rows = RejectedRow.objects.filter(agency_id=report.agency_id, report_id=report.pk)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class ReportDocumentView(Resource):
    """Download the stored document of a report."""

    cost = 5
    problems = {"get": (DocumentNotReady, DocumentDeleted, DocumentMissing)}  # noqa: RUF012

    @extend_schema(
        operation_id="downloadReportDocument",
        summary="Download the original document",
        description="Returns the document as it was received, without the text of the columns listed in "
        "`blanked_columns`. The document is deleted `document_retention_days` after it was received.",
        tags=["Reports"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, report_id: str) -> FileResponse:
        report = report_of(request, report_id)
        if report.document_deleted_at is not None:
            raise DocumentDeleted(None if report.document else NEVER_REDACTED)
        document = stored_documents.open_or_none(report, now=timezone.now())
        if document is None:
            raise DocumentDeleted
        # As a download of unknown type, so that no browser renders on this origin what somebody uploaded.
        return FileResponse(
            document,
            as_attachment=True,
            filename=report.public_id,
            content_type="application/octet-stream",
            # A document that is stored again gets another name, and so another ETag.
            headers={"ETag": etags.compute(report.document.encode())},
        )


def _accepted(report: Report) -> Response:
    """Return the response to posted rows, with their report."""
    headers = {"Location": f"/v1/reports/{report.public_id}"}
    return Response(ReportSerializer(report).data, status=202, headers=headers)


class DefectListView(Resource):
    """Create defects from JSON rows."""

    problems = {"post": intake_limits.PROBLEMS}  # noqa: RUF012

    @extend_schema(
        operation_id="createDefects",
        summary="Create defects",
        description="Creates A-to-z claims, chargebacks and feedback, which Amazon does not provide as a "
        "feed. If one row is invalid, all rows are rejected. A later row with the same `order_id`, `kind` "
        "and `reference` updates the state of the defect.",
        tags=["Reports"],
        request=CreateDefects,
        responses={202: ACCEPTED},
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        body: Any = request.data
        now = timezone.now()
        check_rows(
            body, max_rows=settings.DEFECTS_MAX_ROWS, latest=latest_allowed_time(now.astimezone(UTC).date())
        )
        # The size of the body is bounded and small.
        intake_limits.check(agency=context.agency_of(request), size=0)
        report = intake.receive_rows(
            account=account, rows=body["defects"], actor=context.principal(request).actor, now=now
        )
        return _accepted(report)


class FactListView(Resource):
    """Create facts from JSON rows."""

    problems = {"post": (Contradiction, *intake_limits.PROBLEMS)}  # noqa: RUF012

    def request_cost(self, request: Request) -> int:
        # Checking the rows takes time in proportion to the body, which is not read yet.
        length = request.META.get("CONTENT_LENGTH") or ""
        return self.cost + (int(length) // BYTES_A_UNIT if length.isdecimal() else 0)

    @extend_schema(
        operation_id="createFacts",
        summary="Create facts",
        description="Creates orders, shipments, buyer messages and return requests for accounts without Amazon's "
        "reports. If one row is invalid, all rows are rejected. A later row with the same `order_id` (orders), "
        "`order_id` and `package` (shipments), `message_id` (messages), or `order_id` and `reference` (returns) "
        "replaces the earlier one. Days are those of the account's home marketplace. All lists together have at most "
        f"{settings.FACTS_MAX_ROWS:,} rows; an order with several items counts as one row for each of them.",
        tags=["Reports"],
        request=CreateFacts,
        responses={202: ACCEPTED},
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        body: Any = request.data
        now = timezone.now()
        parse_context = ParseContext(
            marketplace=account.home_marketplace,
            received_at=now,
            zone=ZoneInfo(settings.MARKETPLACE_ZONES.get(account.home_marketplace, "UTC")),
        )
        check_facts(body, max_rows=settings.FACTS_MAX_ROWS, parse_context=parse_context)
        # The size of the body is bounded and small.
        intake_limits.check(agency=context.agency_of(request), size=0)
        actor = context.principal(request).actor
        return _accepted(intake.receive_facts(account=account, body=body, actor=actor, now=now))
