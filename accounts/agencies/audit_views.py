"""The view of the audit log."""

import json
from typing import Any, ClassVar

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies.audit_serializers import AuditEntrySerializer
from accounts.agencies.filters import AuditFilter
from accounts.models import AuditEntry, Role
from accounts.requests.views import Collection
from accounts.tenancy import context
from api.csv import Sheet


class AuditCsv(Sheet):
    """One line an entry; what changed is JSON in its cell."""

    columns = ("id", "at", "who", "what", "about", "before", "after", "detail", "request_id")

    def row(self, told: dict[str, Any]) -> dict[str, Any]:
        texts = {name: json.dumps(told[name], ensure_ascii=False) for name in ("before", "after", "detail") if told[name]}
        return told | {"before": None, "after": None, "detail": None} | texts


class AuditLog(Collection[AuditEntry]):
    needs: ClassVar = {"get": Role.ADMIN}
    renderer_classes = (JSONRenderer, AuditCsv)
    queryset = AuditEntry.objects.none()  # for the document; requests go through scoping
    serializer_class = AuditEntrySerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = AuditFilter

    @extend_schema(
        operation_id="listAuditLog",
        summary="Who did what, newest first, kept for good",
        tags=["Agency"],
        responses={(200, "application/json"): AuditEntrySerializer(many=True), (200, "text/csv"): str},
    )
    def get(self, request: Request) -> Response:
        mine = AuditEntry.objects.filter(agency_id=context.bearer(request).agency_id)
        page = self.paginate_queryset(self.filter_queryset(mine))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
