"""Members and invitations of an agency. All of it is for admins."""

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import identifiers, scoping
from accounts.models import Invitation, Member, Role
from accounts.people import invitations, members
from accounts.resources import Collection, Resource
from accounts.team.serializers import InvitationSerializer, MemberSerializer

ADMINS = dict.fromkeys(("get", "post", "patch", "delete"), Role.ADMIN)


class LastAdmin(APIException):
    status_code = 409
    default_code = "last-admin"
    default_detail = "Nobody would be left to let anybody in. Make another member an admin, or an admin key, first."


class AlreadyInvited(APIException):
    status_code = 409
    default_code = "already-invited"
    default_detail = "This mailbox is invited already. Send the invitation again, or withdraw it."


class AlreadyMember(APIException):
    status_code = 409
    default_code = "already-member"
    default_detail = "The owner of this mailbox is a member already."


class TooManyInvitations(APIException):
    status_code = 409
    default_code = "too-many-invitations"
    default_detail = f"{invitations.MOST} invitations are open or expired. Withdraw some first."


class Members(Collection[Member]):
    needs: ClassVar = ADMINS
    serializer_class = MemberSerializer
    queryset = Member.objects.none()  # for the document; requests go through scoping

    @extend_schema(
        operation_id="listMembers",
        summary="The people who act for the agency",
        tags=["People"],
        responses=MemberSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        mine = Member.objects.filter(agency_id=scoping.bearer(request).agency_id).select_related("person")
        return self.get_paginated_response(MemberSerializer(self.paginate_queryset(mine), many=True).data)


class OneMember(Resource):
    needs: ClassVar = ADMINS
    problems: ClassVar = {"patch": (409,), "delete": (409,)}

    @extend_schema(operation_id="getMember", summary="One member", tags=["People"], responses=MemberSerializer)
    def get(self, request: Request, member_id: str) -> Response:
        return Response(MemberSerializer(_member(request, member_id)).data)

    @extend_schema(
        operation_id="changeMember",
        summary="Change what a member may do",
        description="It holds from the member's next request on. The last admin stays one, unless an admin key is left.",
        tags=["People"],
        request=MemberSerializer,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        member = _member(request, member_id)
        wanted = MemberSerializer(member, data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        who = scoping.bearer(request).who
        try:
            changed = members.change(member=member, rights=wanted.validated_data, who=who, now=timezone.now())
        except members.LastAdmin:
            raise LastAdmin from None
        return Response(MemberSerializer(changed).data)

    @extend_schema(
        operation_id="removeMember",
        summary="Part with a member",
        description="Its sessions open nothing of the agency from now on. The last admin stays, unless an admin key is left.",
        tags=["People"],
        responses={204: None},
    )
    def delete(self, request: Request, member_id: str) -> Response:
        member = _member(request, member_id)
        try:
            members.remove(member=member, who=scoping.bearer(request).who, now=timezone.now())
        except members.LastAdmin:
            raise LastAdmin from None
        return Response(status=204)


class Invitations(Collection[Invitation]):
    needs: ClassVar = ADMINS
    problems: ClassVar = {"post": (409,)}
    serializer_class = InvitationSerializer
    queryset = Invitation.objects.none()  # for the document; requests go through scoping

    @extend_schema(
        operation_id="listInvitations",
        summary="Who is invited and has not accepted",
        tags=["People"],
        responses=InvitationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        mine = Invitation.objects.filter(agency_id=scoping.bearer(request).agency_id)
        return self.get_paginated_response(InvitationSerializer(self.paginate_queryset(mine), many=True).data)

    @extend_schema(
        operation_id="invite",
        summary="Invite somebody to be a member",
        description="A mail goes to the mailbox, with a token that is good for seven days.",
        tags=["People"],
        request=InvitationSerializer,
        responses={201: InvitationSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = InvitationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        rights, bearer = dict(wanted.validated_data), scoping.bearer(request)
        email = rights.pop("email")
        try:
            made = invitations.invite(agency=bearer.agency, email=email, rights=rights, who=bearer.who, now=timezone.now())
        except invitations.AlreadyInvited:
            raise AlreadyInvited from None
        except invitations.AlreadyMember:
            raise AlreadyMember from None
        except invitations.TooMany:
            raise TooManyInvitations from None
        return Response(InvitationSerializer(made).data, status=201, headers={"Location": f"/v1/invitations/{made.public_id}"})


class OneInvitation(Resource):
    needs: ClassVar = ADMINS

    @extend_schema(operation_id="getInvitation", summary="One invitation", tags=["People"], responses=InvitationSerializer)
    def get(self, request: Request, invitation_id: str) -> Response:
        return Response(InvitationSerializer(_invitation(request, invitation_id)).data)

    @extend_schema(
        operation_id="withdrawInvitation",
        summary="Withdraw an invitation",
        description="Its token opens nothing any more.",
        tags=["People"],
        responses={204: None},
    )
    def delete(self, request: Request, invitation_id: str) -> Response:
        invitation = _invitation(request, invitation_id)
        invitations.withdraw(invitation=invitation, who=scoping.bearer(request).who, now=timezone.now())
        return Response(status=204)


class InvitationAgain(Resource):
    needs: ClassVar = ADMINS

    @extend_schema(
        operation_id="sendInvitationAgain",
        summary="Send an invitation again",
        description="With another token, good for another seven days; the one before opens nothing any more.",
        tags=["People"],
        request=None,
        responses=InvitationSerializer,
    )
    def post(self, request: Request, invitation_id: str) -> Response:
        invitation = _invitation(request, invitation_id)
        invitations.send_again(invitation=invitation, who=scoping.bearer(request).who, now=timezone.now())
        return Response(InvitationSerializer(invitation).data)


def _member(request: Request, public_id: str) -> Member:
    """The member with this id. Raises NotFound."""
    mine = Member.objects.filter(agency_id=scoping.bearer(request).agency_id).select_related("person")
    member = mine.filter(pk=identifiers.private("mem", public_id)).first()
    if member is None:
        raise NotFound("No member with this id.")
    return member


def _invitation(request: Request, public_id: str) -> Invitation:
    """The invitation with this id. Raises NotFound."""
    mine = Invitation.objects.filter(agency_id=scoping.bearer(request).agency_id).select_related("agency")
    invitation = mine.filter(pk=identifiers.private("inv", public_id)).first()
    if invitation is None:
        raise NotFound("No invitation with this id.")
    return invitation
