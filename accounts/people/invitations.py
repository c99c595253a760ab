"""Create, resend and accept invitations. An invitation is valid for INVITATION_LIFETIME and accepted once."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit, invitation_revocation
from accounts.models import Actor, Agency, Invitation, InvitationDigest, constraints
from accounts.people import mail, users
from accounts.people.users import Joined, Profile, UnknownToken
from accounts.tenancy import context
from api import timestamps

TOKEN_HEAD = "uo_inv_"  # noqa: S105  not a secret
INVITATION_LIFETIME = timedelta(days=7)
MAX_INVITATIONS = 500


class AlreadyInvited(Exception):
    """Raise when the e-mail address already has an invitation."""


class AlreadyMember(Exception):
    """Raise when the e-mail address already belongs to a member."""


class TooManyInvitations(Exception):
    """Raise when the agency has MAX_INVITATIONS invitations."""


@transaction.atomic
def create(*, agency: Agency, email: str, rights: dict[str, Any], actor: Actor, now: datetime) -> Invitation:
    """Create an invitation and queue its e-mail. `rights` are role, read_only and accounts.

    Raises AlreadyInvited, AlreadyMember, TooManyInvitations.
    """
    # Locks the agency, so that concurrent invitations count each other.
    Agency.objects.locked(agency_id=agency.pk)
    if users.is_member(agency_id=agency.pk, email=email):
        raise AlreadyMember
    if Invitation.objects.filter(agency=agency).count() >= MAX_INVITATIONS:
        raise TooManyInvitations
    invitation = Invitation(
        agency=agency,
        email=email.lower(),
        invited_by_id=actor.id,
        invited_by_name=actor.name,
        created_at=now,
        **rights,
    )
    # A savepoint: after an integrity error PostgreSQL refuses every statement of the transaction.
    try:
        with transaction.atomic():
            _send(invitation, now)
    except IntegrityError as error:
        if constraints.violated(error) != constraints.INVITATION_EMAIL:
            raise
        raise AlreadyInvited from None
    _record(invitation, "member.invited", actor, now, after=invitation.audit_fields())
    return invitation


@transaction.atomic
def resend(*, invitation: Invitation, actor: Actor, now: datetime) -> Invitation:
    """Send an invitation again with a new token for another INVITATION_LIFETIME.

    The old token becomes invalid. Raises invitation_revocation.Gone.
    """
    locked = invitation_revocation.lock(invitation)
    _send(locked, now)
    _record(locked, "invitation.sent_again", actor, now)
    return locked


@transaction.atomic
def accept(*, token: str, profile: Profile, now: datetime) -> Joined:
    """Make the owner of the token a member. The token proves that the user owns the e-mail address.

    1. Find the invitation's agency in the directory of digests.
    2. Lock the invitation in that agency's tenant context.
    3. Create the member, and the user if there is none.
    4. Record it, and delete the invitation.

    Raises UnknownToken, and the errors of users.join.
    """
    digest = _digest(token)
    entry = _directory_entry(digest)
    if entry is None:
        raise UnknownToken
    with context.agency(entry.agency_id):
        invitations = Invitation.objects.filter(agency_id=entry.agency_id, pk=entry.invitation_id)
        # The digest again, under the lock: resending may have replaced the
        # token since the directory was read.
        invitation = invitations.select_for_update().filter(digest=digest, expires_at__gt=now).first()
        if invitation is None or invitation.agency.closed_at is not None:
            raise UnknownToken
        joined = users.join(
            agency=invitation.agency, email=invitation.email, grant=invitation, profile=profile, now=now
        )
        audit.record(
            agency_id=invitation.agency_id,
            actor=Actor(joined.member.public_id, joined.person.name),
            what="member.joined",
            about=joined.member.public_id,
            detail={"invitation": invitation.public_id},
            after=joined.member.audit_fields(),
            now=now,
        )
        invitations.delete()
    return joined


def _directory_entry(digest: bytes) -> InvitationDigest | None:
    """Return the row of a token in the directory, or None if the token is unknown.

    Needs no tenant context.
    """
    # A policy shows the one row whose digest the transaction names, and never the directory as a whole.
    context.set_local(invitation=digest.hex())
    entry = InvitationDigest.objects.filter(digest=digest).first()
    context.set_local(invitation="")
    return entry


def _send(invitation: Invitation, now: datetime) -> None:
    token = TOKEN_HEAD + secrets.token_urlsafe(32)
    invitation.digest, invitation.sent_at, invitation.expires_at = (
        _digest(token),
        now,
        now + INVITATION_LIFETIME,
    )
    invitation.save()
    row = {"agency_id": invitation.agency_id, "invitation_id": invitation.pk}
    # Deletes the old token's entry first: it must not be accepted any more.
    InvitationDigest.objects.filter(**row).delete()
    InvitationDigest.objects.create(digest=invitation.digest, **row)
    values = {
        "agency": invitation.agency.name,
        "by": invitation.invited_by_name,
        "role": invitation.role,
        "until": timestamps.text(invitation.expires_at),
        "token": token,
    }
    seconds = int(INVITATION_LIFETIME.total_seconds())
    mail.queue(
        kind="invitation",
        to=invitation.email,
        values=values,
        expires_in=seconds,
        language=invitation.agency.language,
        agency_id=invitation.agency_id,
    )


def _record(invitation: Invitation, what: str, actor: Actor, now: datetime, **fields: Any) -> None:
    # The e-mail address is left out: audit entries outlive the invitation.
    audit.record(
        agency_id=invitation.agency_id, actor=actor, what=what, about=invitation.public_id, now=now, **fields
    )


def _digest(token: str) -> bytes:
    # The token has 256 random bits, so a fast hash is enough.
    return hashlib.sha256(token.encode()).digest()
