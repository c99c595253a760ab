"""Remember, between the two pages of the staff login, whose password was correct."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import Person

KEY = "second_step"
LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class PendingLogin:
    """Store a user whose password was correct, and the page to show after the second factor."""

    person: Person
    target: str


def begin(*, request: HttpRequest, person: Person, target: str, now: datetime) -> None:
    """Store the user in a session that gives no access."""
    request.session[KEY] = {
        "person": str(person.pk),
        "password": person.get_session_auth_hash(),
        "target": target,
        "at": now.isoformat(),
    }
    request.session.set_expiry(int(LIFETIME.total_seconds()))


def get(*, request: HttpRequest, now: datetime) -> PendingLogin | None:
    """Return the login that waits for the second factor, or None if there is none or it has expired."""
    pending = request.session.get(KEY)
    if pending is None or now - datetime.fromisoformat(pending["at"]) > LIFETIME:
        return None
    person = Person.objects.filter(pk=pending["person"], is_active=True, is_staff=True).first()
    # A new password or a sign-out everywhere ends this as well.
    if person is None or not constant_time_compare(pending["password"], person.get_session_auth_hash()):
        return None
    return PendingLogin(person=person, target=pending["target"])
