"""Serve members and invitations. All operations require the role admin."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import invitation_revocation
from accounts.models import Grant, Invitation, Member, Role
from accounts.people import invitations, members, second_factors
from accounts.people.api.auth_problems import MailUnavailable, check_mail_available
from accounts.people.api.member_serializers import InvitationSerializer, MemberSerializer
from accounts.people.rate_limits import limit
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from accounts.tenancy.permissions import NotPermitted

OUTLIVES = (
    "Your API key expires, so it cannot make a member an admin: the admin would keep access "
    "after the key expires."
)
TAGS = ["Users"]
NO_INVITATION = "No invitation has this ID."
ADMINS = dict.fromkeys(("get", "post", "patch", "delete"), Role.ADMIN)


class LastAdmin(APIException):
    status_code = 409
    default_code = "last-admin"
    default_detail = (
        "This is the last admin of the agency. First make another member an admin, or create an admin key."
    )


class AlreadyInvited(APIException):
    status_code = 409
    default_code = "already-invited"
    default_detail = "This e-mail address already has an invitation. Resend or revoke it."


class AlreadyMember(APIException):
    status_code = 409
    default_code = "already-member"
    default_detail = "This e-mail address already belongs to a member."


class TooManyInvitations(APIException):
    status_code = 409
    default_code = "too-many-invitations"
    default_detail = (
        f"The agency has {invitations.MAX_INVITATIONS} open or expired invitations. Revoke some "
        "of them first."
    )


class Members(Collection[Member]):
    required_roles: ClassVar = ADMINS
    serializer_class = MemberSerializer
    # For the OpenAPI document only; requests go through the tenant context.
    queryset = Member.objects.none()

    @extend_schema(
        operation_id="listMembers",
        summary="List members",
        description="Returns the members of the agency.",
        tags=TAGS,
        responses=MemberSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = Member.objects.filter(agency_id=context.principal(request).agency_id).select_related("person")
        rows = rows.annotate(has_second_factor=second_factors.exists_for_row("person_id"))
        return self.get_paginated_response(MemberSerializer(self.paginate_queryset(rows), many=True).data)


class MemberDetail(Resource):
    required_roles: ClassVar = ADMINS
    problems: ClassVar = {"patch": (LastAdmin,), "delete": (LastAdmin,)}
    unchangeable_because: ClassVar = {
        "person": "It is the user's own.",
        "has_second_factor": "Only the user can add or remove a second factor.",
    }

    @extend_schema(
        operation_id="getMember",
        summary="Get a member",
        description="Returns one member.",
        tags=TAGS,
        responses=MemberSerializer,
    )
    def get(self, request: Request, member_id: str) -> Response:
        return Response(MemberSerializer(_member(request, member_id)).data)

    @extend_schema(
        operation_id="updateMember",
        summary="Update a member",
        description="Changes the role and restrictions of a member. The change takes effect with the "
        "member's next request. The last admin cannot lose this role unless an admin key "
        "exists. An API key with an expiry cannot make a member an admin.",
        tags=TAGS,
        request=MemberSerializer,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        member = _member(request, member_id)
        body = MemberSerializer(member, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        _check_key_expiry(request, body.validated_data, before=member)
        actor = context.principal(request).actor
        try:
            updated = members.update(
                member=member, rights=body.validated_data, actor=actor, now=timezone.now()
            )
        except members.LastAdmin:
            raise LastAdmin from None
        return Response(MemberSerializer(updated).data)

    @extend_schema(
        operation_id="removeMember",
        summary="Remove a member",
        description="The member loses access immediately, and invitations that the member sent are revoked. "
        "A user who is a "
        "member of no other agency is deleted. The last admin cannot be removed unless an admin key "
        "exists.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, member_id: str) -> Response:
        member = _member(request, member_id)
        try:
            members.remove(member=member, actor=context.principal(request).actor, now=timezone.now())
        except members.LastAdmin:
            raise LastAdmin from None
        return Response(status=204)


class Invitations(Collection[Invitation]):
    required_roles: ClassVar = ADMINS
    problems: ClassVar = {"post": (AlreadyInvited, AlreadyMember, TooManyInvitations, MailUnavailable)}
    serializer_class = InvitationSerializer
    # For the OpenAPI document only; requests go through the tenant context.
    queryset = Invitation.objects.none()

    @extend_schema(
        operation_id="listInvitations",
        summary="List invitations",
        description="Returns invitations that were not accepted yet, including expired ones.",
        tags=TAGS,
        responses=InvitationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = Invitation.objects.filter(agency_id=context.principal(request).agency_id)
        return self.get_paginated_response(InvitationSerializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(
        operation_id="createInvitation",
        summary="Create an invitation",
        description=(
            f"Sends an e-mail with a token that is valid for {invitations.INVITATION_LIFETIME.days} days. "
            "An API key with an expiry cannot invite admins."
        ),
        tags=TAGS,
        request=InvitationSerializer,
        responses={201: InvitationSerializer},
    )
    def post(self, request: Request) -> Response:
        body = InvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rights, principal = dict(body.validated_data), context.principal(request)
        _check_key_expiry(request, rights)
        email = rights.pop("email")
        # Before the invitation is created: revoking and inviting again would otherwise send as many e-mails.
        _limit_mails(request, email)
        try:
            invitation = invitations.create(
                agency=principal.agency, email=email, rights=rights, actor=principal.actor, now=timezone.now()
            )
        except invitations.AlreadyInvited:
            raise AlreadyInvited from None
        except invitations.AlreadyMember:
            raise AlreadyMember from None
        except invitations.TooManyInvitations:
            raise TooManyInvitations from None
        location = f"/v1/invitations/{invitation.public_id}"
        return Response(InvitationSerializer(invitation).data, status=201, headers={"Location": location})


class InvitationDetail(Resource):
    required_roles: ClassVar = ADMINS

    @extend_schema(
        operation_id="getInvitation",
        summary="Get an invitation",
        description="Returns one invitation that was not accepted yet, without its token.",
        tags=TAGS,
        responses=InvitationSerializer,
    )
    def get(self, request: Request, invitation_id: str) -> Response:
        return Response(InvitationSerializer(_invitation(request, invitation_id)).data)

    @extend_schema(
        operation_id="revokeInvitation",
        summary="Revoke an invitation",
        description="Revokes the invitation, so that its token can no longer be used.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, invitation_id: str) -> Response:
        invitation = _invitation(request, invitation_id)
        try:
            invitation_revocation.revoke(
                invitation=invitation, actor=context.principal(request).actor, now=timezone.now()
            )
        except invitation_revocation.Gone:
            raise NotFound(NO_INVITATION) from None
        return Response(status=204)


class ResendInvitation(Resource):
    required_roles: ClassVar = ADMINS
    problems: ClassVar = {"post": (MailUnavailable,)}

    @extend_schema(
        operation_id="resendInvitation",
        summary="Resend an invitation",
        description=(
            f"Sends a new token that is valid for another {invitations.INVITATION_LIFETIME.days} days. "
            "The old token can no longer be used."
        ),
        tags=TAGS,
        request=None,
        responses=InvitationSerializer,
    )
    def post(self, request: Request, invitation_id: str) -> Response:
        invitation = _invitation(request, invitation_id)
        _check_key_expiry(request, {"role": invitation.role})
        _limit_mails(request, invitation.email)
        try:
            sent = invitations.resend(
                invitation=invitation, actor=context.principal(request).actor, now=timezone.now()
            )
        except invitation_revocation.Gone:
            raise NotFound(NO_INVITATION) from None
        return Response(InvitationSerializer(sent).data)


def _check_key_expiry(request: Request, rights: Mapping[str, Any], *, before: Grant | None = None) -> None:
    """Raise NotPermitted if a key with an expiry would give admin rights that outlive it."""
    principal = context.principal(request)
    if principal.kind != "key" or principal.expires_at is None:
        return
    # A PATCH names only some fields; the others stay as they are.
    after = {name: rights.get(name, getattr(before, name, None)) for name in ("role", "read_only")}
    gains = before is None or before.role != Role.ADMIN or (before.read_only and not after["read_only"])
    if after["role"] == Role.ADMIN and gains:
        raise NotPermitted(OUTLIVES)


def _limit_mails(request: Request, email: str) -> None:
    """Limit invitation e-mails per recipient and per agency. Raises Throttled, MailUnavailable."""
    check_mail_available()
    agency = context.principal(request).agency.public_id
    limit(request, "invite", key=f"{agency} {email.lower()}")
    limit(request, "invite_anybody", key=agency)


def _member(request: Request, public_id: str) -> Member:
    """Return the member with this ID. Raises NotFound."""
    rows = Member.objects.filter(agency_id=context.principal(request).agency_id).select_related("person")
    return context.get_or_404(rows, kind="mem", public_id=public_id, name="member")


def _invitation(request: Request, public_id: str) -> Invitation:
    """Return the invitation with this ID. Raises NotFound."""
    rows = Invitation.objects.filter(agency_id=context.principal(request).agency_id).select_related("agency")
    return context.get_or_404(rows, kind="inv", public_id=public_id, name="invitation")
