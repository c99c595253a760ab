"""Serve exports: list, create, get, and download the archive."""

from functools import partial
from typing import ClassVar

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role, SellerAccount
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api.strict_fields import Absent
from ingestion.documents import stored_documents
from ingestion.documents.stored_documents import DocumentMissing
from ingestion.exports import lifecycle as exports
from ingestion.exports import tasks
from ingestion.exports.serializers import CreateExport, ExportSerializer
from ingestion.models import Export

TAGS = ["Agency"]


class ExportUnderWay(APIException):
    """Raise when another export of the agency is queued or running."""

    status_code = 409
    default_code = "export-under-way"
    default_detail = (
        "Another export of this agency is queued or running. Wait until it is ready, then try again."
    )


class TooManyExports(APIException):
    """Raise when the agency created its daily number of exports.

    `wait` is the time in seconds until the next is allowed.
    """

    status_code = 429
    default_code = "too-many-exports"
    default_detail = (
        f"An agency can create at most {exports.MAX_PER_DAY} exports in 24 hours. Download an existing one, "
        "or try again after "
        "the time in Retry-After."
    )

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


class ExportNotReady(APIException):
    """Raise when an export without an archive is downloaded."""

    status_code = 409
    default_code = "export-not-ready"
    default_detail = (
        "The export has no archive. If its status is `queued` or `running`, try again later. If it is "
        "`failed`, create "
        "another export."
    )


class ExportExpired(APIException):
    """Raise when the archive of an export was deleted."""

    status_code = 410
    default_code = "export-expired"
    default_detail = (
        "The archive was deleted. Archives are deleted after 7 days, when a newer export of the same "
        "scope is ready, or when an account in them is erased. Create another export."
    )


def exports_of(request: Request) -> QuerySet[Export]:
    """Return the agency's exports, with those of deleted accounts until these are erased."""
    stored = Q(account=None) | Q(account__in=context.stored_accounts(request))
    exports = Export.objects.filter(stored, agency_id=context.principal(request).agency_id)
    return exports.select_related("account")


def export_of(request: Request, public_id: str) -> Export:
    """Return the export with this public ID. Raises NotFound, also for an export of another agency."""
    return context.get_or_404(exports_of(request), kind="exp", public_id=public_id, name="export")


def _account(request: Request, public_id: str | None) -> SellerAccount | None:
    """Return the requested account, or None for the whole agency.

    Raises Absent if there is no such account.
    """
    try:
        return context.visible_account(request, public_id) if public_id is not None else None
    except NotFound as error:
        raise Absent({"account": [str(error.detail)]}) from None


class ExportListView(Collection[Export]):
    """List and create exports."""

    creation_cost: ClassVar = 10
    # The empty queryset is for the OpenAPI document; requests use `exports_of`.
    queryset = Export.objects.none()
    serializer_class = ExportSerializer
    required_roles: ClassVar = {"get": Role.ADMIN, "post": Role.ADMIN}
    problems: ClassVar = {"post": (Absent, ExportUnderWay, TooManyExports)}

    def request_cost(self, request: Request) -> int:
        return self.creation_cost if request.method == "POST" else self.cost

    @extend_schema(
        operation_id="listExports",
        summary="List exports",
        description="Returns the exports of the agency, newest first.",
        tags=TAGS,
        responses=ExportSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(exports_of(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="createExport",
        summary="Create an export",
        description="Queues an export of the whole agency or of one account. The archive is a ZIP file with "
        "a consistent snapshot: a JSON Lines file for each table, including the history of facts and counts, "
        "and `manifest.json`, which lists each file with its columns, number of rows and digest. Secrets are "
        "not exported. An agency can "
        f"have one export in progress and create {exports.MAX_PER_DAY} in 24 hours. A newer export of the "
        "same scope "
        "replaces the archive of the older one.",
        tags=TAGS,
        request=CreateExport,
        responses={202: ExportSerializer},
    )
    def post(self, request: Request) -> Response:
        body = CreateExport(data=request.data)
        body.is_valid(raise_exception=True)
        options = body.validated_data
        account = _account(request, options.get("account"))
        principal = context.principal(request)
        try:
            export = exports.create(
                agency=principal.agency,
                account=account,
                with_documents=options["documents"],
                actor=principal.actor,
                now=timezone.now(),
            )
        except exports.AlreadyInProgress:
            raise ExportUnderWay from None
        except exports.DailyLimitReached as error:
            raise TooManyExports(error.wait) from None
        # After the commit, or the worker could look for the export before it exists. `robust`: while the
        # broker is down the export stays queued, and `resume_exports` sends it later.
        build = partial(tasks.make_export.delay, agency_id=str(export.agency_id), export_id=str(export.pk))
        transaction.on_commit(build, robust=True)
        location = f"/v1/exports/{export.public_id}"
        return Response(ExportSerializer(export).data, status=202, headers={"Location": location})


class ExportView(Resource):
    """Returns one export."""

    required_roles: ClassVar = {"get": Role.ADMIN}

    @extend_schema(operation_id="getExport", summary="Get an export", tags=TAGS, responses=ExportSerializer)
    def get(self, request: Request, export_id: str) -> Response:
        return Response(ExportSerializer(export_of(request, export_id)).data)


class ExportArchiveView(Resource):
    """Download the archive of an export."""

    cost = 10
    required_roles: ClassVar = {"get": Role.ADMIN}
    problems: ClassVar = {"get": (ExportNotReady, ExportExpired, DocumentMissing)}

    @extend_schema(
        operation_id="downloadExport",
        summary="Download the archive of an export",
        description="Returns the archive as a ZIP file. Each download is recorded in the audit log.",
        tags=TAGS,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, export_id: str) -> FileResponse:
        export = export_of(request, export_id)
        if export.status == Export.Status.EXPIRED:
            raise ExportExpired
        if export.status != Export.Status.READY:
            raise ExportNotReady
        try:
            archive = default_storage.open(export.document)
        except FileNotFoundError:
            # The file is deleted before its row is updated. The lock waits until it is.
            rows = Export.objects.filter(agency_id=export.agency_id, pk=export.pk)
            still_ready = rows.filter(status=Export.Status.READY, expires_at__gt=timezone.now())
            if not still_ready.select_for_update(of=("self",)).exists():
                raise ExportExpired from None
            stored_documents.log_missing(export.public_id, purpose="download of an export")
            raise DocumentMissing from None
        exports.record_download(export=export, actor=context.principal(request).actor, now=timezone.now())
        return FileResponse(
            archive,
            as_attachment=True,
            filename=f"{export.public_id}.zip",
            content_type="application/zip",
            headers={"ETag": f'"{export.sha256}"'},
        )
