"""Revoke one invitation, or all that a revoked key or removed member has sent."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.models import Actor, Invitation


class Gone(Exception):
    """Raise when the invitation was accepted or revoked in the meantime."""


def lock(invitation: Invitation) -> Invitation:
    """Lock an invitation until the transaction ends, and return it as it is now. Raises Gone."""
    invitations = Invitation.objects.filter(agency_id=invitation.agency_id, pk=invitation.pk)
    # Without `of`, the joined agency would be locked as well, after the invitation; others lock it first.
    locked = invitations.select_for_update(of=("self",)).select_related("agency").first()
    if locked is None:
        raise Gone
    return locked


@transaction.atomic
def revoke(*, invitation: Invitation, actor: Actor, now: datetime) -> None:
    """Revoke an invitation. Raises Gone."""
    _delete(lock(invitation), actor, now)


@transaction.atomic
def revoke_all(*, agency_id: UUID, by: str, actor: Actor, now: datetime) -> None:
    """Revoke all invitations that the key or member with the public ID `by` has sent."""
    # Ordered, so that concurrent revocations lock rows in the same order.
    invitations = Invitation.objects.filter(agency_id=agency_id, invited_by_id=by).order_by("pk")
    for invitation in invitations.select_for_update():
        _delete(invitation, actor, now)


def _delete(invitation: Invitation, actor: Actor, now: datetime) -> None:
    # The e-mail address is left out: audit entries outlive the invitation.
    audit.record(
        agency_id=invitation.agency_id,
        actor=actor,
        what="invitation.revoked",
        about=invitation.public_id,
        before=invitation.audit_fields(),
        now=now,
    )
    Invitation.objects.filter(agency_id=invitation.agency_id, pk=invitation.pk).delete()
