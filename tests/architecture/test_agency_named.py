"""Test that every statement on tenant tables names the agency, so that they can be distributed by it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from ingestion import erasure
from metrics import tasks
from tests.architecture.agency_data import create_agency_data
from tests.architecture.operations import OPERATIONS
from tests.client import Client
from tests.clock import NOW

FILES = ("/v1/exports/{export_id}/archive", "/v1/reports/{report_id}/document")
"""Left out: after streaming a file, Django closes the connection of the test's transaction."""
LOOKUP_TABLES = ("accounts_apikeyprefix", "accounts_invitationdigest")
OVER_AGENCIES = re.compile(r'"accounts_member"\."person_id" = ')
"""A person's memberships are looked up over all agencies."""
ABOUT = r'\b(?:FROM|JOIN|UPDATE)\s+"?{}"?\b'
NAMED = re.compile(r'\bagency_id"?\)?\s*(?:=|IN\b|= ANY)|"accounts_agency"\."id" =')


class StatementRecorder:
    """Record statements on tenant tables that do not name the agency."""

    def __init__(self, tables: list[str]) -> None:
        self.tenant_tables = re.compile(
            "|".join(ABOUT.format(table) for table in tables if table not in LOOKUP_TABLES)
        )
        self.seen = 0
        self.without_agency: set[str] = set()

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.tenant_tables.search(sql):
            self.seen += 1
            if not (NAMED.search(sql) or OVER_AGENCIES.search(sql)):
                self.without_agency.add(sql)
        return execute(sql, params, many, context)


def test_statements_on_tenant_tables_name_agency(acme: Client, tables: list[str]) -> None:
    recorder = StatementRecorder(tables)

    with connection.execute_wrapper(recorder):
        ids = create_agency_data(acme, name="acme")
        for operation in OPERATIONS:
            if operation.method == "GET" and operation.path not in FILES:
                operation.send(acme, ids)
        tasks.apply_thresholds(agency_id=str(acme.agency.pk))
        acme.delete(f"/v1/accounts/{ids.account_id}")
        erasure.erase_accounts(agency_id=acme.agency.pk, now=NOW + timedelta(days=8))

    assert recorder.seen > 200
    assert sorted(recorder.without_agency) == []


def test_code_calls_no_set_config() -> None:
    packages = ("accounts", "api", "webhooks", "metrics", "ingestion", "config")
    files = [file for package in packages for file in (settings.BASE_DIR / package).rglob("*.py")]

    calling = [str(file) for file in files if re.search(r"set_config\s*\(", file.read_text())]
    assert len(files) > 300
    assert calling == []
