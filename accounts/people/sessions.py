"""Create, extend and revoke the sessions of users.

A session token has the form `uo_ses_<session key>.<signature>`. The database has only the digest of a key
(session_store.py). Sessions of /staff/ are in the same table, marked with STAFF; their keys are cookies without
a signature. Tokens for sessions with this mark are refused, and /staff/ refuses sessions without it.
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

TOKEN_HEAD = "uo_ses_"  # noqa: S105  not a secret
BACKEND = settings.AUTHENTICATION_BACKENDS[0]
# Keys of the session's data.
SEEN = "seen_at"
AGENCY = "agency"
STAFF = "staff"
SIGNED_IN = "signed_in_at"
MAILBOX = "mailbox"
SESSION_LIFETIME = timedelta(seconds=settings.SESSION_COOKIE_AGE)
PENDING_LIFETIME = timedelta(seconds=settings.ACCOUNT_LOGIN_TIMEOUT)
# Changes of second factors require a sign-in that is at most this old.
RECENT = timedelta(minutes=10)
SIGN_IN_CODE_LIFETIME = timedelta(seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT)
# Recording every use would write a row with every request.
SEEN_RECORDED_EVERY = timedelta(hours=1)


class Ended(Exception):
    """Raise when the session has ended."""


@dataclass(frozen=True)
class Session:
    """Store the token of a session, and the time at which it expires unless it is used."""

    token: str
    expires_at: datetime


class SignedTokens(SessionTokenStrategy):  # type: ignore[misc]  # allauth has no types
    """Sign and verify session tokens for allauth (its setting HEADLESS_TOKEN_STRATEGY)."""

    def create_session_token(self, request: HttpRequest) -> str:
        return TOKEN_HEAD + _signer().sign(super().create_session_token(request))

    def lookup_session(self, session_token: str) -> SessionBase | None:
        """Return the session of a token, or None for an invalid token and for sessions of /staff/."""
        try:
            key = _signer().unsign(session_token.removeprefix(TOKEN_HEAD))
        except BadSignature:
            return None
        session: SessionBase | None = super().lookup_session(key)
        return None if session is not None and STAFF in session else session


def create(*, request: HttpRequest, person: Person, now: datetime) -> Session:
    """Create a session for a user who has just proven to own the e-mail address.

    Replaces the session of `request`.
    """
    # A new key: a session that existed before the sign-in may be known to somebody else.
    request.session = new()
    login(request, person, backend=BACKEND)
    request.session[SIGNED_IN] = now.isoformat()
    token = SignedTokens().create_session_token(request)
    request.session.save()
    return Session(token=token, expires_at=now + SESSION_LIFETIME)


def get(*, token: str) -> tuple[SessionBase, Person]:
    """Return the session of a token and its user. Raises Ended."""
    session = SignedTokens().lookup_session(token)
    request = HttpRequest()
    request.session = session or new()
    # get_user compares the session's hash, so a changed password or a sign-out everywhere ends it here.
    person = get_user(request)
    if not isinstance(person, Person):
        raise Ended
    return request.session, person


def pend(*, token: str, agency: str | None, now: datetime) -> Session:
    """Return the session of a sign-in that waits for the second factor, and remember its agency."""
    session = SignedTokens().lookup_session(token)
    if session is None:
        raise Ended
    if agency:
        session[AGENCY] = agency
        session.save()
    return Session(token=token, expires_at=now + PENDING_LIFETIME)


def pending_mailbox(*, token: str) -> str:
    """Return the mailbox of the user whose sign-in waits for the second factor. Raises Ended."""
    session = SignedTokens().lookup_session(token)
    if session is None or MAILBOX not in session:
        raise Ended
    return str(session[MAILBOX])


def activate(*, session: SessionBase, agency: str | None, now: datetime, is_sign_in: bool) -> Session:
    """Start the lifetime of a session after sign-in, and set its default agency, given by public ID."""
    session[SEEN] = now.isoformat()
    if is_sign_in:
        session[SIGNED_IN] = now.isoformat()
    if agency:
        session[AGENCY] = agency
    session.save()
    return Session(
        token=TOKEN_HEAD + _signer().sign(str(session.session_key)), expires_at=now + SESSION_LIFETIME
    )


def is_recent(*, session: SessionBase, now: datetime) -> bool:
    """Return whether the sign-in of a session is at most RECENT ago."""
    return SIGNED_IN in session and now - datetime.fromisoformat(session[SIGNED_IN]) <= RECENT


def new() -> SessionBase:
    """Return an empty, unsaved session."""
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    return store


def extend(*, session: SessionBase, now: datetime) -> datetime:
    """Record the use of a session, at most once an hour, and return when it expires unless it is used.

    Raises Ended.
    """
    seen = datetime.fromisoformat(session[SEEN]) if SEEN in session else None
    if seen is None or now - seen >= SEEN_RECORDED_EVERY:
        session[SEEN], seen = now.isoformat(), now
        try:
            session.save()
        # Django raises this if the row is gone: the session was ended since it was read.
        except UpdateError:
            raise Ended from None
    return seen + SESSION_LIFETIME


def revoke_all(*, person: Person) -> None:
    """End all sessions of a user now."""
    # The counter is part of the hash that every session carries. F(): two calls at once count twice.
    Person.objects.filter(pk=person.pk).update(sign_outs=F("sign_outs") + 1)


def _signer() -> Signer:
    return Signer(salt="accounts.people.sessions", sep=".")
