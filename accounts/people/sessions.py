"""Sessions of people: begun when they signed in, kept in the database, told to nobody but in a signed token.

A token reads `uo_ses_<the session's key>.<signature>`. What stands in the database opens nothing of the API without `SECRET_KEY`.
The sessions of /staff/ stand in the same table, marked. Their keys are cookies as they are; no token opens one of them, and no
session without the mark opens /staff/.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from django.conf import settings
from django.contrib.auth import get_user, login
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.signing import BadSignature, Signer
from django.db.models import F
from django.http import HttpRequest

from accounts.models import Person

HEAD = "uo_ses_"
BACKEND = settings.AUTHENTICATION_BACKENDS[0]
SEEN = "seen_at"
AGENCY = "agency"
OF_STAFF = "staff"
LASTS = timedelta(seconds=settings.SESSION_COOKIE_AGE)
CODE_LASTS = timedelta(seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT)
SEEN_IS_NOTED_EVERY = timedelta(hours=1)


class Ended(Exception):
    """The session was ended while it was looked at."""


@dataclass(frozen=True)
class Session:
    """What somebody who signed in goes on with."""

    token: str
    expires_at: datetime


class SignedTokens(SessionTokenStrategy):  # type: ignore[misc]  # allauth has no types
    """How allauth is told of sessions, and tells them."""

    def create_session_token(self, request: HttpRequest) -> str:
        return HEAD + _signer().sign(super().create_session_token(request))

    def lookup_session(self, session_token: str) -> SessionBase | None:
        try:
            key = _signer().unsign(session_token.removeprefix(HEAD))
        except BadSignature:
            return None
        found: SessionBase | None = super().lookup_session(key)
        return None if found is not None and OF_STAFF in found else found


def begin(*, request: HttpRequest, person: Person, now: datetime) -> Session:
    """A session of a person who has just proven to own its mailbox. `request` has none of its own."""
    request.session = fresh()
    login(request, person, backend=BACKEND)
    token = SignedTokens().create_session_token(request)
    request.session.save()
    return Session(token=token, expires_at=now + LASTS)


def opened(*, token: str) -> tuple[SessionBase, Person]:
    """The session of this token and whose it is. Raises Ended."""
    session = SignedTokens().lookup_session(token)
    request = HttpRequest()
    request.session = session or fresh()
    person = get_user(request)
    if not isinstance(person, Person):
        raise Ended
    return request.session, person


def stand_for(*, session: SessionBase, agency: str | None, now: datetime) -> Session:
    """The session from now on, for the agency with this public id unless a request names another."""
    session[SEEN] = now.isoformat()
    if agency:
        session[AGENCY] = agency
    session.save()
    return Session(token=HEAD + _signer().sign(str(session.session_key)), expires_at=now + LASTS)


def fresh() -> SessionBase:
    """An empty session that is nowhere yet."""
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    return store


def slide(*, session: SessionBase, now: datetime) -> datetime:
    """When it ends if nobody uses it any more. Noted at most once an hour. Raises Ended."""
    seen = datetime.fromisoformat(session[SEEN]) if SEEN in session else None
    if seen is None or now - seen >= SEEN_IS_NOTED_EVERY:
        session[SEEN], seen = now.isoformat(), now
        try:
            session.save()
        except UpdateError:
            raise Ended from None
    return seen + LASTS


def end_all(*, person: Person) -> None:
    """Every session of the person opens nothing from now on."""
    Person.objects.filter(pk=person.pk).update(sign_outs=F("sign_outs") + 1)


def _signer() -> Signer:
    return Signer(salt="accounts.people.sessions", sep=".")
