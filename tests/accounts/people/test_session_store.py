"""Test that the table of sessions gives no access, and shows no other sessions."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.sessions.backends.db import SessionStore as PlainStore
from django.db import transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from accounts.models import Person
from accounts.people import tasks
from accounts.people.session_store import SessionStore, digest
from accounts.tenancy import context
from tests import owner
from tests.accounts.people.visitors import Visitor, create_user
from tests.architecture.statements import count_touched, rows


@pytest.fixture
def stored(db: None) -> SessionStore:
    """Return a session that was saved."""
    session = SessionStore()
    session["secret"] = "a pending code"
    session.save()
    return session


def test_session_is_stored_by_digest_and_encrypted(stored: SessionStore) -> None:
    ((key, data),) = owner.execute("SELECT session_key, session_data FROM django_session")

    assert key == digest(stored.session_key) != stored.session_key
    assert "pending" not in data
    assert SessionStore(stored.session_key)["secret"] == "a pending code"
    assert "secret" not in SessionStore(key)


def test_sessions_are_visible_one_at_a_time(stored: SessionStore) -> None:
    other = SessionStore()
    other.create()

    assert rows("SELECT count(*) FROM django_session") == [0]
    assert count_touched("UPDATE django_session SET expire_date = now()") == 0
    assert count_touched("DELETE FROM django_session") == 0
    with transaction.atomic():
        context.set_local(session=digest(stored.session_key))
        assert rows("SELECT session_key FROM django_session") == [digest(stored.session_key)]
    with pytest.raises(ProgrammingError, match="row-level security"):
        count_touched("INSERT INTO django_session VALUES ('forged', '', now() + interval '1 day')")


def test_data_of_another_session_is_not_read(stored: SessionStore) -> None:
    other = SessionStore()
    other["agency"] = "another"
    other.save()
    owner.execute(
        "UPDATE django_session SET session_data = (SELECT session_data FROM django_session WHERE session_key = %s)",
        digest(stored.session_key),
    )

    assert SessionStore(other.session_key).load() == {}


def test_key_is_replaced_and_session_deleted(stored: SessionStore) -> None:
    old = stored.session_key
    stored.cycle_key()
    assert owner.execute("SELECT session_key FROM django_session") == [(digest(stored.session_key),)]
    assert SessionStore(old).load() == {}

    stored.flush()

    assert owner.execute("SELECT session_key FROM django_session") == []


def test_session_survives_new_secret_key_with_fallback(stored: SessionStore, settings: LazySettings) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new secret"
    assert SessionStore(stored.session_key)["secret"] == "a pending code"

    settings.SECRET_KEY_FALLBACKS = []

    assert SessionStore(stored.session_key).load() == {}


def test_session_from_before_encryption_is_read(stored: SessionStore) -> None:
    owner.execute("UPDATE django_session SET session_data = %s", PlainStore().encode({"secret": "old"}))

    assert SessionStore(stored.session_key)["secret"] == "old"


def test_expired_sessions_are_deleted(stored: SessionStore) -> None:
    expired = SessionStore()
    expired.create()
    owner.execute(
        "UPDATE django_session SET expire_date = %s WHERE session_key = %s",
        timezone.now() - timedelta(days=3),
        digest(expired.session_key),
    )

    tasks.delete_expired_sessions()
    rows("SELECT delete_expired_sessions('infinity')")

    assert owner.execute(
        "SELECT session_key FROM django_session WHERE session_key = %s", digest(stored.session_key)
    )
    assert not owner.execute(
        "SELECT session_key FROM django_session WHERE session_key = %s", digest(expired.session_key)
    )


def test_pending_secret_of_authenticator_app_is_not_in_the_clear(db: None) -> None:
    person: Person = create_user()
    visitor = Visitor()
    visitor.sign_in(person.email)
    secret = visitor.send("/v1/auth/totp").json()["secret"]

    ((data,),) = owner.execute("SELECT session_data FROM django_session")

    assert secret not in data
    assert PlainStore().decode(data) == {}
