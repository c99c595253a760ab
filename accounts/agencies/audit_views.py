"""List audit log entries."""

from typing import ClassVar

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies.audit_serializers import AuditEntrySerializer
from accounts.agencies.filters import AuditFilter
from accounts.agencies.renderers import AuditCsv
from accounts.models import AuditEntry, Role
from accounts.requests.views import Collection
from accounts.tenancy import context


class AuditLog(Collection[AuditEntry]):
    required_roles: ClassVar = {"get": Role.ADMIN}
    renderer_classes = (JSONRenderer, AuditCsv)
    # For the OpenAPI document only; requests go through the tenant context.
    queryset = AuditEntry.objects.none()
    serializer_class = AuditEntrySerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = AuditFilter

    @extend_schema(
        operation_id="listAuditLogEntries",
        summary="List audit log entries",
        description="Returns the newest entries first. Entries about reports and breaches end with the data that "
        "they are about, after a year at the earliest.",
        tags=["Agency"],
        responses=AuditEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        entries = AuditEntry.objects.filter(agency_id=context.principal(request).agency_id)
        page = self.paginate_queryset(self.filter_queryset(entries))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
