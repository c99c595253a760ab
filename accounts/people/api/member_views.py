"""Members and invitations of an agency. All of it is for admins."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import invitation_revocation
from accounts.models import Grant, Invitation, Member, Role
from accounts.people import invitations, members
from accounts.people.api.member_serializers import InvitationSerializer, MemberSerializer
from accounts.people.rate_limits import limit
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from accounts.tenancy.permissions import NotPermitted

LATER = "The key that asks ends one day: by it nobody becomes an admin, who would stay."
NO_INVITATION = "No invitation with this id."
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
        mine = Member.objects.filter(agency_id=context.bearer(request).agency_id).select_related("person")
        return self.get_paginated_response(MemberSerializer(self.paginate_queryset(mine), many=True).data)


class OneMember(Resource):
    needs: ClassVar = ADMINS
    problems: ClassVar = {"patch": (LastAdmin,), "delete": (LastAdmin,)}

    @extend_schema(operation_id="getMember", summary="One member", tags=["People"], responses=MemberSerializer)
    def get(self, request: Request, member_id: str) -> Response:
        return Response(MemberSerializer(_member(request, member_id)).data)

    @extend_schema(
        operation_id="changeMember",
        summary="Change what a member may do",
        description="It holds from the member's next request on. The last admin stays one, unless an admin key is left. A key "
        "that itself ends one day makes nobody an admin.",
        tags=["People"],
        request=MemberSerializer,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        member = _member(request, member_id)
        wanted = MemberSerializer(member, data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        _refuse_lasting(request, wanted.validated_data, before=member)
        who = context.bearer(request).who
        try:
            changed = members.change(member=member, rights=wanted.validated_data, who=who, now=timezone.now())
        except members.LastAdmin:
            raise LastAdmin from None
        return Response(MemberSerializer(changed).data)

    @extend_schema(
        operation_id="removeMember",
        summary="Part with a member",
        description="Its sessions open nothing of the agency from now on, and its open invitations are withdrawn. Who is "
        "a member of no other agency is forgotten, name and mailbox. The last admin stays, unless an admin key is left.",
        tags=["People"],
        responses={204: None},
    )
    def delete(self, request: Request, member_id: str) -> Response:
        member = _member(request, member_id)
        try:
            members.remove(member=member, who=context.bearer(request).who, now=timezone.now())
        except members.LastAdmin:
            raise LastAdmin from None
        return Response(status=204)


class Invitations(Collection[Invitation]):
    needs: ClassVar = ADMINS
    problems: ClassVar = {"post": (AlreadyInvited, AlreadyMember, TooManyInvitations)}
    serializer_class = InvitationSerializer
    queryset = Invitation.objects.none()  # for the document; requests go through scoping

    @extend_schema(
        operation_id="listInvitations",
        summary="Who is invited and has not accepted",
        tags=["People"],
        responses=InvitationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        mine = Invitation.objects.filter(agency_id=context.bearer(request).agency_id)
        return self.get_paginated_response(InvitationSerializer(self.paginate_queryset(mine), many=True).data)

    @extend_schema(
        operation_id="invite",
        summary="Invite somebody to be a member",
        description="A mail goes to the mailbox, with a token that is good for seven days. A key that itself ends one day "
        "invites no admin.",
        tags=["People"],
        request=InvitationSerializer,
        responses={201: InvitationSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = InvitationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        rights, bearer = dict(wanted.validated_data), context.bearer(request)
        _refuse_lasting(request, rights)
        email = rights.pop("email")
        _limit_mails(request, email)
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
        try:
            invitation_revocation.withdraw(invitation=invitation, who=context.bearer(request).who, now=timezone.now())
        except invitation_revocation.Gone:
            raise NotFound(NO_INVITATION) from None
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
        _refuse_lasting(request, {"role": invitation.role})
        _limit_mails(request, invitation.email)
        try:
            sent = invitations.send_again(invitation=invitation, who=context.bearer(request).who, now=timezone.now())
        except invitation_revocation.Gone:
            raise NotFound(NO_INVITATION) from None
        return Response(InvitationSerializer(sent).data)


def _refuse_lasting(request: Request, rights: Mapping[str, Any], *, before: Grant | None = None) -> None:
    """A key that ends would go on as the admin that it made. Raises NotPermitted."""
    bearer = context.bearer(request)
    if bearer.kind != "key" or bearer.expires_at is None:
        return
    after = {name: rights.get(name, getattr(before, name, None)) for name in ("role", "read_only")}
    gains = before is None or before.role != Role.ADMIN or (before.read_only and not after["read_only"])
    if after["role"] == Role.ADMIN and gains:
        raise NotPermitted(LATER)


def _limit_mails(request: Request, email: str) -> None:
    """Nobody's mailbox is filled in the agency's name. Raises Throttled."""
    agency = context.bearer(request).agency.public_id
    limit(request, "invite", key=f"{agency} {email.lower()}")
    limit(request, "invite_anybody", key=agency)


def _member(request: Request, public_id: str) -> Member:
    """The member with this id. Raises NotFound."""
    mine = Member.objects.filter(agency_id=context.bearer(request).agency_id).select_related("person")
    return context.one(mine, kind="mem", public_id=public_id, called="member")


def _invitation(request: Request, public_id: str) -> Invitation:
    """The invitation with this id. Raises NotFound."""
    mine = Invitation.objects.filter(agency_id=context.bearer(request).agency_id).select_related("agency")
    return context.one(mine, kind="inv", public_id=public_id, called="invitation")
