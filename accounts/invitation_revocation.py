"""Invitations taken back: one by hand, or all of somebody's who lets nobody in any more."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.models import Actor, Invitation


class Gone(Exception):
    """It was accepted or withdrawn at this very moment."""


def hold(invitation: Invitation) -> Invitation:
    """The invitation as it stands, and as it stays until the transaction ends. Raises Gone."""
    invitations = Invitation.objects.filter(agency_id=invitation.agency_id, pk=invitation.pk)
    held = invitations.select_for_update(of=("self",)).select_related("agency").first()
    if held is None:
        raise Gone
    return held


@transaction.atomic
def withdraw(*, invitation: Invitation, who: Actor, now: datetime) -> None:
    """Its token opens nothing any more. Raises Gone."""
    _take_back(hold(invitation), who, now)


@transaction.atomic
def withdraw_all(*, agency_id: UUID, by: str, who: Actor, now: datetime) -> None:
    """Withdraw what the key or member with this public id has invited."""
    theirs = Invitation.objects.filter(agency_id=agency_id, invited_by_id=by).order_by("pk")
    for invitation in theirs.select_for_update():
        _take_back(invitation, who, now)


def _take_back(invitation: Invitation, who: Actor, now: datetime) -> None:
    """Whose mailbox it is stays out: the entry is kept for good."""
    audit.note(
        agency_id=invitation.agency_id,
        who=who,
        what="invitation.withdrawn",
        about=invitation.public_id,
        before=invitation.told(),
        now=now,
    )
    Invitation.objects.filter(agency_id=invitation.agency_id, pk=invitation.pk).delete()
