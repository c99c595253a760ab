"""The members of an agency: whose a person is, what each may do, and that somebody is left who may change it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, invitation_revocation
from accounts.models import Actor, Agency, ApiKey, Member, Person, Role
from accounts.tenancy import context


class LastAdmin(Exception):
    """Nobody would be left who may let anybody in: no other admin among the members, no valid admin key."""


@transaction.atomic
def of_person(*, person_id: UUID) -> list[Member]:
    """The memberships of a person with their agencies, which the wall shows to nobody else; the oldest first."""
    context.set_local(person=str(person_id))
    memberships = Member.objects.filter(person_id=person_id)
    context.set_local(agencies=context.array(memberships.values_list("agency_id", flat=True)))
    found = list(memberships.select_related("agency", "person").order_by("id"))
    context.set_local(person="", agencies="")
    return found


@transaction.atomic
def change(*, member: Member, rights: dict[str, Any], who: Actor, now: datetime) -> Member:
    """The member with these rights (role, read_only, accounts) and the others as they were. Raises LastAdmin."""
    held = _hold(member)
    before = held.told()
    for name, value in rights.items():
        setattr(held, name, value)
    held.save(update_fields=list(rights))
    _somebody_is_left(held.agency_id, now)
    named: dict[str, Any] = {"agency_id": held.agency_id, "who": who, "what": "member.changed", "about": held.public_id}
    audit.changed(**named, before=before, after=held.told(), now=now)
    return held


@transaction.atomic
def remove(*, member: Member, who: Actor, now: datetime) -> None:
    """The person has nothing to do with the agency any more, from its next request on.

    Its open invitations are withdrawn. Who acts for no other agency is forgotten. Raises LastAdmin.
    """
    held = _hold(member)
    named: dict[str, Any] = {"agency_id": held.agency_id, "who": who, "what": "member.removed", "about": held.public_id}
    audit.note(**named, before=held.told(), now=now)
    invitation_revocation.withdraw_all(agency_id=held.agency_id, by=held.public_id, who=who, now=now)
    Member.objects.filter(agency_id=held.agency_id, pk=held.pk).delete()
    _somebody_is_left(member.agency_id, now)
    forget(person_id=held.person_id)


def forget_all(*, agency_id: UUID) -> None:
    """An erased agency has no members, and who acts for no other one is forgotten."""
    with context.agency(agency_id):
        left = list(Member.objects.filter(agency_id=agency_id))
    for member in left:
        with context.agency(agency_id):
            Member.objects.filter(agency_id=agency_id, pk=member.pk).delete()
            forget(person_id=member.person_id)


@transaction.atomic
def forget(*, person_id: UUID) -> None:
    """Who is a member of nothing, and no staff, is no person here any more. Who was shut out stays known, and so outside.

    The person is held: who joins another agency or is removed from one at this moment has done so, or comes after.
    """
    person = Person.objects.select_for_update().filter(pk=person_id, is_staff=False, is_active=True).first()
    if person is not None and not of_person(person_id=person_id):
        person.delete()


def _hold(member: Member) -> Member:
    """The member as it stands; the agency is held, so that two who remove each other do it one after the other."""
    Agency.objects.locked(agency_id=member.agency_id)
    return Member.objects.select_for_update(of=("self",)).select_related("person").get(agency_id=member.agency_id, pk=member.pk)


def _somebody_is_left(agency_id: UUID, now: datetime) -> None:
    admins: QuerySet[Member] = Member.objects.filter(
        agency_id=agency_id, role=Role.ADMIN, read_only=False, person__is_active=True
    )
    keys = ApiKey.objects.valid(at=now).filter(agency_id=agency_id, role=Role.ADMIN, read_only=False)
    if not admins.exists() and not keys.exists():
        raise LastAdmin
