"""Archives over HTTP: ask for one, follow it, take it away."""

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
from ingestion.exports import lifecycle as exports
from ingestion.exports import tasks
from ingestion.exports.serializers import ExportSerializer, ExportWish
from ingestion.models import Export

TAGS = ["Agency"]


class ExportUnderWay(APIException):
    status_code = 409
    default_code = "export-under-way"
    default_detail = "An archive is being made. An agency has one made at a time."


class TooManyExports(APIException):
    status_code = 429
    default_code = "too-many-exports"
    default_detail = (
        f"An agency can create at most {exports.MAX_PER_DAY} exports in 24 hours. Download an existing one, or try again after "
        "the time in Retry-After."
    )

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


class ExportNotReady(APIException):
    status_code = 409
    default_code = "export-not-ready"
    default_detail = "The archive is not there. Its status says whether it is being made, or has to be asked for again."


class ExportExpired(APIException):
    status_code = 410
    default_code = "export-expired"
    default_detail = (
        "The archive was deleted, as every one is after a week, when a newer one of the same is ready, or when an account in it "
        "is erased. Ask for another."
    )


def exports_of(request: Request) -> QuerySet[Export]:
    """The archives of the agency, but for those of accounts that it handed back."""
    theirs = Q(account=None) | Q(account__in=context.accounts_of(request))
    return Export.objects.filter(theirs, agency_id=context.principal(request).agency_id)


def export_of(request: Request, public_id: str) -> Export:
    """The archive with this public id. Raises NotFound for a stranger's as for none at all."""
    return context.get_or_404(exports_of(request), kind="exp", public_id=public_id, name="export")


def _account(request: Request, public_id: str | None) -> SellerAccount | None:
    """The account that is asked for, where one is. Raises Absent."""
    try:
        return context.account_of(request, public_id) if public_id is not None else None
    except NotFound as error:
        raise Absent({"account": [str(error.detail)]}) from None


class Exports(Collection[Export]):
    queryset = Export.objects.none()
    serializer_class = ExportSerializer
    required_roles: ClassVar = {"get": Role.ADMIN, "post": Role.ADMIN}
    problems: ClassVar = {"post": (Absent, ExportUnderWay, TooManyExports)}

    @extend_schema(operation_id="listExports", summary="Archives, newest first", tags=TAGS, responses=ExportSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(exports_of(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="createExport",
        summary="Have all that is kept packed into an archive",
        description="A worker makes one ZIP of the agency, or of one account, as it is at one moment: a file of JSON lines a "
        "table, facts and counts with their past, and `manifest.json`, which says what each file holds, its rows and digest. "
        "Secrets are in none. One is made at a time and twenty a day; of the same account, with or without documents, "
        "the newest is kept.",
        tags=TAGS,
        request=ExportWish,
        responses={202: ExportSerializer},
    )
    def post(self, request: Request) -> Response:
        wish = ExportWish(data=request.data)
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data
        account = _account(request, asked.get("account"))
        principal = context.principal(request)
        try:
            export = exports.ask(
                agency=principal.agency,
                account=account,
                with_documents=asked["documents"],
                who=principal.actor,
                now=timezone.now(),
            )
        except exports.UnderWay:
            raise ExportUnderWay from None
        except exports.TooMany as error:
            raise TooManyExports(error.wait) from None
        make = partial(tasks.make_export.delay, agency_id=str(export.agency_id), export_id=str(export.pk))
        transaction.on_commit(make, robust=True)
        where = f"/v1/exports/{export.public_id}"
        return Response(ExportSerializer(export).data, status=202, headers={"Location": where})


class OneExport(Resource):
    required_roles: ClassVar = {"get": Role.ADMIN}

    @extend_schema(operation_id="getExport", summary="How far an archive is", tags=TAGS, responses=ExportSerializer)
    def get(self, request: Request, export_id: str) -> Response:
        return Response(ExportSerializer(export_of(request, export_id)).data)


class Archive(Resource):
    required_roles: ClassVar = {"get": Role.ADMIN}
    problems: ClassVar = {"get": (ExportNotReady, ExportExpired)}

    @extend_schema(
        operation_id="downloadExport",
        summary="Take an archive away",
        description="Who did so is in the audit log.",
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
        except FileNotFoundError:  # deleted at this moment: the row is about to say so
            raise ExportExpired from None
        exports.downloaded(export=export, who=context.principal(request).actor, now=timezone.now())
        return FileResponse(
            archive,
            as_attachment=True,
            filename=f"{export.public_id}.zip",
            content_type="application/zip",
            headers={"ETag": f'"{export.sha256}"'},
        )
