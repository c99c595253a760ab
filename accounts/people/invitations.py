"""Invitations: sent to a mailbox, good for a week, sent again, accepted once."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit, invitation_revocation
from accounts.models import Actor, Agency, Invitation, InvitationDigest, constraints
from accounts.people import mail, users
from accounts.people.users import Joined, Self, UnknownToken
from accounts.tenancy import context
from api import timestamps

HEAD = "uo_inv_"
LASTS = timedelta(days=7)
MOST = 500


class AlreadyInvited(Exception):
    """The mailbox is invited already: send it again, or withdraw it."""


class AlreadyMember(Exception):
    """Its owner is a member already."""


class TooMany(Exception):
    """As many are invited as may be at a time."""


@transaction.atomic
def invite(*, agency: Agency, email: str, rights: dict[str, Any], who: Actor, now: datetime) -> Invitation:
    """An invitation that is on its way. `rights` are role, read_only and accounts.

    Raises AlreadyInvited, AlreadyMember, TooMany.
    """
    Agency.objects.locked(agency_id=agency.pk)
    if users.is_member(agency_id=agency.pk, email=email):
        raise AlreadyMember
    if Invitation.objects.filter(agency=agency).count() >= MOST:
        raise TooMany
    invitation = Invitation(
        agency=agency, email=email.lower(), invited_by_id=who.id, invited_by_name=who.name, created_at=now, **rights
    )
    try:
        with transaction.atomic():
            _send(invitation, now)
    except IntegrityError as error:
        if constraints.violated(error) != constraints.INVITATION_EMAIL:
            raise
        raise AlreadyInvited from None
    _note(invitation, "member.invited", who, now, after=invitation.told())
    return invitation


@transaction.atomic
def send_again(*, invitation: Invitation, who: Actor, now: datetime) -> Invitation:
    """Another token for another week; the one before opens nothing any more. Raises withdrawing.Gone."""
    held = invitation_revocation.hold(invitation)
    _send(held, now)
    _note(held, "invitation.sent_again", who, now)
    return held


@transaction.atomic
def accept(*, token: str, self: Self, now: datetime) -> Joined:
    """Who has the token has the mailbox: a member from now on. Raises UnknownToken, and what joining.join raises."""
    digest = _digest(token)
    shown = _directory_entry(digest)
    if shown is None:
        raise UnknownToken
    with context.agency(shown.agency_id):
        invitations = Invitation.objects.filter(agency_id=shown.agency_id, pk=shown.invitation_id)
        held = invitations.select_for_update().filter(digest=digest, expires_at__gt=now).first()
        if held is None or held.agency.closed_at is not None:
            raise UnknownToken
        joined = users.join(agency=held.agency, email=held.email, grant=held, self=self, now=now)
        audit.note(
            agency_id=held.agency_id,
            who=Actor(joined.member.public_id, joined.person.name),
            what="member.joined",
            about=joined.member.public_id,
            detail={"invitation": held.public_id},
            after=joined.member.told(),
            now=now,
        )
        invitations.delete()
    return joined


def _directory_entry(digest: bytes) -> InvitationDigest | None:
    """Return the directory's row of a token, which is shown to whoever names its digest; None for an unknown one."""
    context.set_local(invitation=digest.hex())
    entry = InvitationDigest.objects.filter(digest=digest).first()
    context.set_local(invitation="")
    return entry


def _send(invitation: Invitation, now: datetime) -> None:
    token = HEAD + secrets.token_urlsafe(32)
    invitation.digest, invitation.sent_at, invitation.expires_at = _digest(token), now, now + LASTS
    invitation.save()
    named = {"agency_id": invitation.agency_id, "invitation_id": invitation.pk}
    InvitationDigest.objects.filter(**named).delete()  # the token before opens nothing any more
    InvitationDigest.objects.create(digest=invitation.digest, **named)
    places = {
        "agency": invitation.agency.name,
        "by": invitation.invited_by_name,
        "role": invitation.role,
        "until": timestamps.text(invitation.expires_at),
        "token": token,
    }
    mail.post(kind="invitation", to=invitation.email, places=places, keeps_seconds=int(LASTS.total_seconds()))


def _note(invitation: Invitation, what: str, who: Actor, now: datetime, **fields: Any) -> None:
    """Whose mailbox it is stays out: the entry is kept for good."""
    audit.note(agency_id=invitation.agency_id, who=who, what=what, about=invitation.public_id, now=now, **fields)


def _digest(token: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()
