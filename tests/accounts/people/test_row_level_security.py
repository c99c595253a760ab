"""Test row-level security of memberships and invitations with the application role."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.db.utils import DataError, ProgrammingError

from accounts.models import Invitation, InvitationDigest, Person, Role
from accounts.tenancy import context
from tests.accounts.people.visitors import create_member, create_user
from tests.architecture.statements import count_touched, rows
from tests.client import Client
from tests.conftest import NOON

TOKEN = b"uo_inv_of_acme"


@contextmanager
def read_shown(name: str, value: str) -> Iterator[None]:
    """Set the tenant context of a transaction."""
    with transaction.atomic():
        context.set_local(**{name: value})
        yield


@pytest.fixture
def world(acme: Client, rival: Client, mei: Person) -> Person:
    """Create Mei as a member of Acme, another user in both agencies, and invitations of both."""
    other = create_user(name="Somebody else")
    for client, people in ((acme, (mei, other)), (rival, (other,))):
        for person in people:
            create_member(client.agency, person)
        with context.agency(client.agency.pk):
            invitation = Invitation.objects.create(
                agency=client.agency,
                email="client@shop.example",
                role=Role.VIEWER,
                digest=hashlib.sha256(TOKEN if client is acme else b"uo_inv_of_rival").digest(),
                created_at=NOON,
                sent_at=NOON,
                expires_at=NOON,
            )
            InvitationDigest.objects.create(
                agency_id=client.agency.pk, invitation_id=invitation.pk, digest=invitation.digest
            )
    return mei


def test_people_tables_show_nothing_without_setting(world: Person) -> None:
    for table in ("accounts_member", "accounts_invitation", "accounts_agency"):
        assert (table, rows(f"SELECT count(*) FROM {table}")) == (table, [0])


def test_person_setting_shows_own_memberships_and_agencies(world: Person) -> None:
    with read_shown("person", str(world.pk)):
        assert rows("SELECT person_id FROM accounts_member") == [world.pk]
        (agency,) = rows("SELECT agency_id FROM accounts_member")
        assert rows("SELECT name FROM accounts_agency") == []
        context.set_local(agencies=context.array([agency]))
        assert rows("SELECT name FROM accounts_agency") == ["Acme"]
        assert rows("SELECT count(*) FROM accounts_invitation") == [0]
        assert rows("SELECT count(*) FROM accounts_apikey") == [0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_member SET role = 'admin'",
        "DELETE FROM accounts_member",
        "UPDATE accounts_agency SET name = 'Taken over'",
        "DELETE FROM accounts_agency",
    ],
)
def test_person_setting_allows_no_change(world: Person, statement: str) -> None:
    with read_shown("person", str(world.pk)):
        context.set_local(agencies=context.array(rows("SELECT agency_id FROM accounts_member")))
        assert count_touched(statement) == 0


def test_person_setting_allows_no_new_membership(world: Person, rival: Client) -> None:
    statement = """
        INSERT INTO accounts_member (id, agency_id, person_id, role, read_only, created_at)
        VALUES (gen_random_uuid(), %(agency)s, %(person)s, 'admin', false, now())
    """

    with pytest.raises(ProgrammingError, match="row-level security"), read_shown("person", str(world.pk)):
        count_touched(statement, {"agency": rival.agency.pk, "person": world.pk})


@pytest.mark.parametrize("word", ["", "00000000-0000-0000-0000-000000000000"])
def test_unknown_person_setting_shows_nothing(world: Person, word: str) -> None:
    with read_shown("person", word):
        assert rows("SELECT count(*) FROM accounts_member") == [0]
        assert rows("SELECT count(*) FROM accounts_agency") == [0]


def test_malformed_person_setting_shows_nothing(world: Person) -> None:
    with pytest.raises(DataError), read_shown("person", "anybody"):
        rows("SELECT count(*) FROM accounts_member")


def test_invitation_setting_shows_that_invitation_only(world: Person) -> None:
    with read_shown("invitation", hashlib.sha256(TOKEN).hexdigest()):
        assert [bytes(each) for each in rows("SELECT digest FROM accounts_invitationdigest")] == [
            hashlib.sha256(TOKEN).digest()
        ]
        assert rows("SELECT count(*) FROM accounts_invitation") == [0]
        assert rows("SELECT count(*) FROM accounts_agency") == [0]
        assert count_touched("UPDATE accounts_invitationdigest SET invitation_id = gen_random_uuid()") == 0
        assert count_touched("DELETE FROM accounts_invitationdigest") == 0
        assert count_touched("UPDATE accounts_invitation SET role = 'admin'") == 0
        assert count_touched("DELETE FROM accounts_invitation") == 0


@pytest.mark.parametrize("word", ["", "00", hashlib.sha256(b"another").hexdigest()])
def test_invitation_setting_of_other_token_shows_nothing(world: Person, word: str) -> None:
    with read_shown("invitation", word):
        assert rows("SELECT count(*) FROM accounts_invitationdigest") == [0]
        assert rows("SELECT count(*) FROM accounts_invitation") == [0]


@pytest.mark.parametrize(
    "table",
    [
        "auth_group",
        "auth_permission",
        "auth_group_permissions",
        "django_content_type",
        "accounts_person_groups",
    ],
)
def test_application_role_cannot_grant_django_permissions(world: Person, table: str) -> None:
    assert count_touched(f"DELETE FROM {table}") == 0
    if table == "auth_group":
        with pytest.raises(ProgrammingError, match="row-level security"):
            count_touched("INSERT INTO auth_group (name) VALUES ('everybody')")
