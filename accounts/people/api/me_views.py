"""The view of the principal that sent the request."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, Member
from accounts.people import members
from accounts.people.api.me_serializers import MeSerializer
from accounts.requests.views import Resource
from accounts.tenancy import context


class Me(Resource):
    @extend_schema(operation_id="getMe", summary="Who asks, and what it may do", responses=MeSerializer, tags=["Agency"])
    def get(self, request: Request) -> Response:
        bearer = context.bearer(request)
        me: dict[str, Any] = {"agency": bearer.agency, "bearer": bearer, "may": bearer.may(), "key": None, "memberships": None}
        if bearer.kind == "key":
            me["key"] = ApiKey.objects.get(agency_id=bearer.agency_id, pk=bearer.id)
        if bearer.kind == "member":
            member = Member.objects.get(agency_id=bearer.agency_id, pk=bearer.id)
            me["memberships"] = members.of_person(person_id=member.person_id)
        return Response(MeSerializer(me).data)
