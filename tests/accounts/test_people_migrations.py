"""The person is there before what points at it, in a database that is new and in one that stands where people were not known."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from config.launcher.embedded import postgres, roles
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.roles import Access, Role

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
POINTING = """
SELECT conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'accounts_person'::regclass ORDER BY 1
"""


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the superuser of a server of our own."""
    home = Home(folder=tmp_path_factory.mktemp("people") / "home")
    with Processes(home=home) as processes:
        yield postgres.start(home=home, processes=processes, durable=False)
    home.discard()


def database(superuser: str, name: str) -> Access:
    """A new database with its two roles."""
    owner, application = (Role(name=f"{name}_{part}", password="secret") for part in ("owner", "app"))
    return roles.provision(admin_url=superuser, database=name, owner=owner, application=application)


def migrate(access: Access, *words: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": access.owner_url},
        check=True,
    )


def names(access: Access, query: str) -> list[str]:
    with psycopg.connect(access.owner_url) as connection:
        return [name for (name,) in connection.execute(query.encode())]


def test_a_database_that_knew_no_people_becomes_the_same_as_a_new_one(superuser: str) -> None:
    new, old = database(superuser, "new"), database(superuser, "old")
    migrate(old, "accounts", "0007")
    for app in ("webhooks", "metrics", "ingestion"):
        migrate(old, app)
    assert not {"accounts_person", "auth_group", "django_session"} & set(names(old, TABLES))

    for access in (new, old):
        migrate(access)

    assert sorted(names(old, TABLES)) == sorted(names(new, TABLES))
    assert names(old, POINTING) == names(new, POINTING)
    assert {"account_emailaddress", "accounts_member", "django_admin_log"} <= set(names(new, POINTING))


def test_people_go_as_they_came(superuser: str) -> None:
    access = database(superuser, "back")
    migrate(access)

    for app in ("admin", "account"):
        migrate(access, app, "zero")
    migrate(access, "accounts", "0007")

    assert not {"accounts_person", "accounts_member", "accounts_invitation"} & set(names(access, TABLES))
