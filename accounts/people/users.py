"""Create users, and make them members of agencies.

A user is created when somebody proves to own an e-mail address for the first time.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import Agency, Grant, Member, Person, constraints


class UnknownToken(Exception):
    """Raise when a token of an invitation or sign-up is unknown, used, expired or revoked."""


class NameRequired(Exception):
    """Raise when a new user has no name."""


class Inactive(Exception):
    """Raise when the user is blocked from the installation."""


@dataclass(frozen=True)
class Profile:
    """Store the name and password that a new user enters. They do not change an existing user."""

    name: str
    password: str | None


@dataclass(frozen=True)
class Joined:
    """Store a member, its user, and whether the user is new."""

    member: Member
    person: Person
    is_new: bool


def join(*, agency: Agency, email: str, grant: Grant, profile: Profile, now: datetime) -> Joined:
    """Make the owner of an e-mail address a member. An existing member keeps its rights.

    Raises NameRequired, Inactive, and Django's ValidationError for a weak password.
    """
    person, is_new = get_or_create(email=email, profile=profile, now=now)
    rights = {"role": grant.role, "read_only": grant.read_only, "accounts": grant.accounts, "created_at": now}
    member, _ = Member.objects.get_or_create(agency=agency, person=person, defaults=rights)
    return Joined(member=member, person=person, is_new=is_new)


@transaction.atomic
def get_or_create(*, email: str, profile: Profile, now: datetime) -> tuple[Person, bool]:
    """Return the user with this e-mail address, and whether it is new. Raises as `join` does.

    Locks the user until the transaction ends.
    """
    # Without the lock, `members.delete_if_unused` could delete the user before the new membership exists.
    users = Person.objects.select_for_update(no_key=True).filter(email=email.lower())
    person = users.first()
    if person is None:
        # A savepoint: after an integrity error PostgreSQL refuses every statement of the transaction.
        try:
            with transaction.atomic():
                return _create(email.lower(), profile, now), True
        except IntegrityError as error:
            if constraints.violated(error) != constraints.PERSON_EMAIL:
                raise
            # A concurrent request with another token created the user.
            person = users.get()
    if not person.is_active:
        raise Inactive
    return person, False


def is_member(*, agency_id: UUID, email: str) -> bool:
    """Return whether the owner of an e-mail address is a member."""
    return Member.objects.filter(agency_id=agency_id, person__email=email.lower()).exists()


def _create(email: str, profile: Profile, now: datetime) -> Person:
    if not profile.name:
        raise NameRequired
    person = Person(
        email=email,
        name=profile.name,
        # That of the page on which the user signs up; `PATCH /v1/auth/session` changes it.
        language=translation.get_language() or settings.LANGUAGE_CODE,
        created_at=now,
    )
    if profile.password is None:
        person.set_unusable_password()
    else:
        validate_password(profile.password, person)
        person.set_password(profile.password)
    person.save(force_insert=True)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person
