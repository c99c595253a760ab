"""Who proves to own a mailbox becomes a person, once, and a member of the agency that it was invited to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction

from accounts.models import Agency, Grant, Member, Person, constraints


class UnknownToken(Exception):
    """It was never given out, is used or too old, or was taken back."""


class NameWanted(Exception):
    """A new person has a name."""


class Inactive(Exception):
    """The person was shut out of the installation."""


@dataclass(frozen=True)
class Self:
    """What somebody says of itself. Whoever is known already is not changed by it."""

    name: str
    password: str | None


@dataclass(frozen=True)
class Joined:
    """A member, its person, and whether there was none before."""

    member: Member
    person: Person
    is_new: bool


def join(*, agency: Agency, email: str, grant: Grant, self: Self, now: datetime) -> Joined:
    """The owner of this mailbox as a member. Who is one already stays what it is.

    Raises NameWanted, Inactive, and Django's ValidationError for a password that is too weak.
    """
    person, is_new = known_or_new(email=email, self=self, now=now)
    rights = {"role": grant.role, "read_only": grant.read_only, "accounts": grant.accounts, "created_at": now}
    member, _ = Member.objects.get_or_create(agency=agency, person=person, defaults=rights)
    return Joined(member=member, person=person, is_new=is_new)


@transaction.atomic
def known_or_new(*, email: str, self: Self, now: datetime) -> tuple[Person, bool]:
    """The person with this mailbox, and whether it is new; until the transaction ends, nobody forgets it. Raises as join does."""
    its_owner = Person.objects.select_for_update(no_key=True).filter(email=email.lower())
    known = its_owner.first()
    if known is None:
        try:
            with transaction.atomic():
                return _new(email.lower(), self, now), True
        except IntegrityError as error:
            if constraints.violated(error) != constraints.PERSON_EMAIL:
                raise
            known = its_owner.get()  # the person joined at this very moment, by another token
    if not known.is_active:
        raise Inactive
    return known, False


def is_member(*, agency_id: UUID, email: str) -> bool:
    """Whether the owner of this mailbox is one."""
    return Member.objects.filter(agency_id=agency_id, person__email=email.lower()).exists()


def _new(email: str, self: Self, now: datetime) -> Person:
    if not self.name:
        raise NameWanted
    person = Person(email=email, name=self.name, created_at=now)
    if self.password is None:
        person.set_unusable_password()
    else:
        validate_password(self.password, person)
        person.set_password(self.password)
    person.save(force_insert=True)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person
