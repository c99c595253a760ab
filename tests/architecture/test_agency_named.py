"""Every statement about rows of an agency names the agency, as a table that is distributed by it needs."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection

from ingestion import erasure
from metrics import tasks
from tests.architecture.furnishing import furnish
from tests.architecture.operations import OPERATIONS
from tests.client import Client

FILES = ("/v1/exports/{export_id}/archive", "/v1/reports/{report_id}/document")
"""After a file is streamed, Django closes a connection whose transaction is a test's."""
DIRECTORIES = ("accounts_apikeyprefix", "accounts_invitationdigest")
OVER_AGENCIES = re.compile(r'"accounts_member"\."person_id" = ')
"""A person's memberships are looked up over all agencies."""
ABOUT = r'\b(?:FROM|JOIN|UPDATE)\s+"?{}"?\b'
NAMED = re.compile(r'\bagency_id"?\)?\s*(?:=|IN\b|= ANY)|"accounts_agency"\."id" =')


class Statements:
    """The statements of tenant tables that name no agency."""

    def __init__(self, tables: list[str]) -> None:
        self.about = re.compile("|".join(ABOUT.format(table) for table in tables if table not in DIRECTORIES))
        self.seen = 0
        self.nameless: set[str] = set()

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.about.search(sql):
            self.seen += 1
            if not (NAMED.search(sql) or OVER_AGENCIES.search(sql)):
                self.nameless.add(sql)
        return execute(sql, params, many, context)


def test_every_statement_of_the_product_names_its_agency(acme: Client, tables: list[str]) -> None:
    statements = Statements(tables)

    with connection.execute_wrapper(statements):
        furnished = furnish(acme, name="acme")
        for operation in OPERATIONS:
            if operation.method == "GET" and operation.path not in FILES:
                operation.ask(acme, furnished)
        tasks.apply_thresholds(agency_id=str(acme.agency.pk))
        acme.delete(f"/v1/accounts/{furnished.account_id}")
        erasure.erase_accounts(agency_id=acme.agency.pk, now=acme.agency.created_at)

    assert statements.seen > 200
    assert sorted(statements.nameless) == []


def test_no_code_sets_anything_but_by_a_literal() -> None:
    packages = ("accounts", "api", "webhooks", "metrics", "ingestion", "config")
    files = [file for package in packages for file in (settings.BASE_DIR / package).rglob("*.py")]

    calling = [str(file) for file in files if re.search(r"set_config\s*\(", file.read_text())]
    assert len(files) > 300
    assert calling == []
