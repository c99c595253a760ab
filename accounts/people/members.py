"""List, update and remove the members of an agency.

At least one admin always remains, as a member or a key.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, invitation_revocation
from accounts.models import Actor, Agency, ApiKey, Member, Person, Role
from accounts.tenancy import context


class LastAdmin(Exception):
    """Raise when no admin would remain: neither an active member nor a valid key with the role admin."""


@transaction.atomic
def list_for_person(*, person_id: UUID) -> list[Member]:
    """Return the memberships of a user with their agencies, the oldest first.

    Row-level security shows them only here.
    """
    context.set_local(person=str(person_id))
    memberships = Member.objects.filter(person_id=person_id)
    # Two steps: one policy shows the user's memberships, another the agencies that are named here.
    context.set_local(agencies=context.array(memberships.values_list("agency_id", flat=True)))
    members = list(memberships.select_related("agency", "person").order_by("id"))
    context.set_local(person="", agencies="")
    return members


@transaction.atomic
def update(*, member: Member, rights: dict[str, Any], actor: Actor, now: datetime) -> Member:
    """Update these rights (role, read_only, accounts) of a member, and return the member. Raises
    LastAdmin."""
    locked = _lock(member)
    before = locked.audit_fields()
    for name, value in rights.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(rights))
    # After the change: the query sees what the agency would be left with, and
    # LastAdmin rolls the change back.
    _check_admin_remains(locked.agency_id, now)
    entry: dict[str, Any] = {
        "agency_id": locked.agency_id,
        "actor": actor,
        "what": "member.changed",
        "about": locked.public_id,
    }
    audit.record_change(**entry, before=before, after=locked.audit_fields(), now=now)
    return locked


@transaction.atomic
def remove(*, member: Member, actor: Actor, now: datetime) -> None:
    """Remove a member with the member's open invitations. Takes effect with the next request.

    Raises LastAdmin.

    Also deletes the user if it belongs to no other agency.
    """
    locked = _lock(member)
    entry: dict[str, Any] = {
        "agency_id": locked.agency_id,
        "actor": actor,
        "what": "member.removed",
        "about": locked.public_id,
    }
    audit.record(**entry, before=locked.audit_fields(), now=now)
    invitation_revocation.revoke_all(agency_id=locked.agency_id, by=locked.public_id, actor=actor, now=now)
    Member.objects.filter(agency_id=locked.agency_id, pk=locked.pk).delete()
    _check_admin_remains(member.agency_id, now)
    # After the deletion: it keeps users who still have a membership.
    delete_if_unused(person_id=locked.person_id)


def remove_all(*, agency_id: UUID) -> None:
    """Remove all members of an erased agency, and delete users that belong to no other agency."""
    with context.agency(agency_id):
        members = list(Member.objects.filter(agency_id=agency_id))
    for member in members:
        with context.agency(agency_id):
            Member.objects.filter(agency_id=agency_id, pk=member.pk).delete()
            delete_if_unused(person_id=member.person_id)


@transaction.atomic
def delete_if_unused(*, person_id: UUID) -> None:
    """Delete a user who belongs to no agency and is not staff.

    Keeps inactive users: deleting them would lift the block.
    """
    # Locks the user, so that joining or leaving another agency is done before this, or waits for it.
    person = Person.objects.select_for_update().filter(pk=person_id, is_staff=False, is_active=True).first()
    if person is not None and not list_for_person(person_id=person_id):
        person.delete()


def _lock(member: Member) -> Member:
    """Lock the agency and the member, and return the member as it is now."""
    # The agency's lock makes two admins who remove each other do so one after the other. With locks on their
    # members only, each would still find the other as the remaining admin.
    Agency.objects.locked(agency_id=member.agency_id)
    members = Member.objects.select_for_update(of=("self",)).select_related("person")
    return members.get(agency_id=member.agency_id, pk=member.pk)


def _check_admin_remains(agency_id: UUID, now: datetime) -> None:
    admins: QuerySet[Member] = Member.objects.filter(
        agency_id=agency_id, role=Role.ADMIN, read_only=False, person__is_active=True
    )
    keys = ApiKey.objects.valid(at=now).filter(agency_id=agency_id, role=Role.ADMIN, read_only=False)
    if not admins.exists() and not keys.exists():
        raise LastAdmin
