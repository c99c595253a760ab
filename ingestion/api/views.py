"""The doors: documents uploaded, defects posted, and what became of them."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
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
from accounts.models import Actor, SellerAccount
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api import etags
from ingestion import intake
from ingestion.api.defect_serializers import PostedDefects, check_rows
from ingestion.api.renderers import RejectedRowsCsv
from ingestion.api.report_serializers import QUEUED, REPORT, RejectedRowSerializer, ReportSerializer, Upload
from ingestion.api.report_type_serializers import DocumentKindsAnswer
from ingestion.api.uploads import ROOM_FOR_FIELDS, DocumentTooLarge
from ingestion.models import RejectedRow, Report
from ingestion.reports import REPORT_TYPES
from ingestion.reports.report_type import latest_allowed_time

ACCEPTED = OpenApiResponse(
    ReportSerializer,
    description="Kept; a worker loads it.",
    examples=[OpenApiExample("Queued", value=QUEUED)],
)
SEEN_BEFORE = OpenApiResponse(
    ReportSerializer,
    description="These bytes had been received before: the first report.",
    examples=[OpenApiExample("The first report", value=REPORT | {"duplicate": True})],
)


class LengthRequired(APIException):
    status_code = 411
    default_code = "length-required"
    default_detail = "Send the body with a Content-Length; chunked bodies are not taken."


class DocumentDeleted(APIException):
    status_code = 410
    default_code = "document-deleted"
    default_detail = "The document was deleted: the days that the agency keeps documents are over. Its facts are still here."


def report_of(request: Request, public_id: str) -> Report:
    """The report with this public id. Raises NotFound for a stranger's as for none at all."""
    mine = Report.objects.filter(agency=context.agency_of(request), account__in=context.accounts_of(request))
    return context.get_or_404(mine, kind="rpt", public_id=public_id, name="report")


def digest_of(upload: dict[str, Any]) -> bytes:
    """Of the file and what was said of it: two bodies may tell the same with other boundaries."""
    said = {name: str(value) for name, value in upload.items() if name != "file"}
    return hashlib.sha256(json.dumps([upload["file"].sha256, said], sort_keys=True).encode()).digest()


def _accepted(account: SellerAccount, received: intake.ReceivedDocument, who: Actor, now: datetime) -> Response:
    report, duplicate = intake.accept(account=account, received=received, who=who, now=now)
    body = ReportSerializer(report, context={"duplicate": duplicate}).data
    return Response(body, status=200 if duplicate else 202, headers={"Location": f"/v1/reports/{report.public_id}"})


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Reports(Collection[Report]):
    """No transaction stays open while a body streams in; each step enters the agency for itself."""

    queryset = Report.objects.none()
    serializer_class = ReportSerializer
    parser_classes = (MultiPartParser,)
    streamed_methods = ("post",)
    problems = {"post": (LengthRequired, DocumentTooLarge)}  # noqa: RUF012

    @extend_schema(
        operation_id="listReports",
        summary="Documents received for an account, newest first",
        tags=["Reports"],
        responses=ReportSerializer(many=True),
    )
    def get(self, request: Request, account_id: str) -> Response:
        with context.for_request(request):
            account = context.account_of(request, account_id)
            page = self.paginate_queryset(Report.objects.filter(agency_id=account.agency_id, account=account))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="uploadReport",
        summary="Upload a report of Amazon's or an import file",
        description="The document is kept and loaded by a worker; follow it by its id. Personal columns of what is kept are "
        "blanked unless the agency keeps them. The same bytes again answer 200 with the first report; where only now a period is "
        "named, it is loaded again with it.",
        tags=["Reports"],
        request={"multipart/form-data": Upload},
        responses={202: ACCEPTED, 200: SEEN_BEFORE},
    )
    def post(self, request: Request, account_id: str) -> HttpResponse:
        account = self._account_before_body(request, account_id)
        now = timezone.now()
        upload = Upload(data=request.data, context={"today": now.astimezone(UTC).date()})
        upload.is_valid(raise_exception=True)
        said = upload.validated_data
        received = intake.ReceivedDocument(
            content=said["file"],
            sha256=said["file"].sha256,
            source=Report.Source.UPLOAD,
            announced_type=said.get("report_type", ""),
            marketplace=said.get("marketplace", account.home_marketplace),
            period=(said["period_from"], said["period_to"]) if "period_from" in said else None,
        )
        with context.for_request(request):
            account = self._account_after_body(request, account_id)
            who = context.principal(request).actor
            return self.idempotent(request, body=digest_of(said), act=lambda: _accepted(account, received, who, now))

    def _account_before_body(self, request: Request, account_id: str) -> SellerAccount:
        """Whose it is and how long it says it is, before a byte of it is read."""
        with context.for_request(request):
            account = context.account_of(request, account_id)
        if not (request.META.get("CONTENT_LENGTH") or "").isdecimal():
            raise LengthRequired
        if int(request.META["CONTENT_LENGTH"]) > settings.REPORT_MAX_BYTES + ROOM_FOR_FIELDS:
            raise DocumentTooLarge
        return account

    def _account_after_body(self, request: Request, account_id: str) -> SellerAccount:
        """Whose it is still: a body takes its time, and the key may be revoked meanwhile, or the account handed back."""
        authentication.reauthenticate(request)
        self.check_permissions(request)
        return context.account_of(request, account_id)


class DocumentKinds(Resource):
    @extend_schema(
        operation_id="listDocumentKinds",
        summary="The kinds of documents that are taken, with their columns and an example of each",
        tags=["Reports"],
        responses=DocumentKindsAnswer,
    )
    def get(self, request: Request) -> Response:
        return Response(DocumentKindsAnswer({"data": REPORT_TYPES, "next_cursor": None}).data)


class OneReport(Resource):
    @extend_schema(operation_id="getReport", summary="What became of a document", tags=["Reports"], responses=ReportSerializer)
    def get(self, request: Request, report_id: str) -> Response:
        return Response(ReportSerializer(report_of(request, report_id)).data)


class RejectedRows(Collection[RejectedRow]):
    renderer_classes = (JSONRenderer, RejectedRowsCsv)
    queryset = RejectedRow.objects.none()
    serializer_class = RejectedRowSerializer

    def get_ordering(self) -> str:
        return "line"

    @extend_schema(
        operation_id="listRejectedRows",
        summary="Rows of a document that could not be used, and why",
        tags=["Reports"],
        responses=RejectedRowSerializer(many=True),
    )
    def get(self, request: Request, report_id: str) -> Response:
        report = report_of(request, report_id)
        rows = RejectedRow.objects.filter(agency_id=report.agency_id, report_id=report.pk)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class Document(Resource):
    problems = {"get": (DocumentDeleted,)}  # noqa: RUF012

    @extend_schema(
        operation_id="downloadDocument",
        summary="The document as it is kept",
        description="As it was received, but for the columns that the report lists as blanked. The agency's "
        "`document_retention_days` after it was received it is deleted.",
        tags=["Reports"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, report_id: str) -> FileResponse:
        report = report_of(request, report_id)
        if report.document_deleted_at is not None:
            raise DocumentDeleted
        try:
            document = default_storage.open(report.document)
        except FileNotFoundError:  # deleted at this moment: the row is about to say so
            raise DocumentDeleted from None
        return FileResponse(
            document,
            as_attachment=True,
            filename=report.public_id,
            content_type="application/octet-stream",
            headers={"ETag": etags.compute(report.document.encode())},  # what is kept anew has another name
        )


class Defects(Resource):
    @extend_schema(
        operation_id="postDefects",
        summary="Post defects that Amazon gives no feed of",
        description="All rows are taken or none. A later row of the same (order_id, kind, reference) changes its state.",
        tags=["Reports"],
        request=PostedDefects,
        responses={202: ACCEPTED},
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = context.account_of(request, account_id)
        body: Any = request.data
        now = timezone.now()
        check_rows(body, most=settings.DEFECTS_MAX_ROWS, latest=latest_allowed_time(now.astimezone(UTC).date()))
        report = intake.accept_rows(account=account, rows=body["defects"], who=context.principal(request).actor, now=now)
        return Response(ReportSerializer(report).data, status=202, headers={"Location": f"/v1/reports/{report.public_id}"})
