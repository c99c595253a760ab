"""Return the principal that sent the request."""

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
    @extend_schema(
        operation_id="getMe",
        summary="Get the current caller",
        description=(
            "Returns the API key, token or member that sends the request, with its agency and permissions."
        ),
        responses=MeSerializer,
        tags=["Agency"],
    )
    def get(self, request: Request) -> Response:
        principal = context.principal(request)
        me: dict[str, Any] = {"agency": principal.agency, "bearer": principal, "may": principal.permissions()}
        me |= {"key": None, "memberships": None}
        if principal.kind == "key":
            me["key"] = ApiKey.objects.get(agency_id=principal.agency_id, pk=principal.id)
        if principal.kind == "member":
            member = Member.objects.get(agency_id=principal.agency_id, pk=principal.id)
            me["memberships"] = members.list_for_person(person_id=member.person_id)
        return Response(MeSerializer(me).data)
