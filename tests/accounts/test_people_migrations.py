"""Test that migrations run forwards and backwards, with users before the tables that reference them."""

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

pytestmark = pytest.mark.usefixtures("servers")

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
POINTING = """
SELECT conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'accounts_person'::regclass ORDER BY 1
"""
BACKWARDS = """
import django
from django.core.management import call_command
django.setup()
for app in ("ingestion", "metrics", "webhooks", "admin", "account", "accounts"):
    call_command("migrate", app, "zero", verbosity=0, skip_checks=True)
"""


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server, and return the URL of its superuser."""
    home = Home(folder=tmp_path_factory.mktemp("people") / "home")
    with Processes(home=home) as processes:
        yield postgres.start(home=home, processes=processes, durable=False)
    home.discard()


def database(superuser: str, name: str) -> Access:
    """Create a database with its two roles."""
    owner, application = (Role(name=f"{name}_{part}", password="secret") for part in ("owner", "app"))
    return roles.provision(admin_url=superuser, database=name, owner=owner, application=application)


def run(access: Access, *words: str) -> None:
    """Run Python as the owner of the tables."""
    environ = os.environ | {"DATABASE_URL": access.owner_url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, *words], cwd=settings.BASE_DIR, env=environ, check=True)


def names(access: Access, query: str) -> list[str]:
    with psycopg.connect(access.owner_url) as connection:
        return [name for (name,) in connection.execute(query.encode())]


def test_migrations_create_people_before_references_and_are_reversible(superuser: str) -> None:
    access = database(superuser, "people")

    run(access, "manage.py", "migrate", "--verbosity=0", "--skip-checks")

    assert {"account_emailaddress", "accounts_member", "django_admin_log"} <= set(names(access, POINTING))

    run(access, "-c", BACKWARDS)

    left = set(names(access, TABLES))
    assert [
        name for name in left if name.startswith(("accounts_", "webhooks_", "metrics_", "ingestion_"))
    ] == []
    assert names(access, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []
