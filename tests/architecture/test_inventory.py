"""Test that exports and erasure cover every tenant table of the database."""

import re

from ingestion.data_retention.tables import AUDIT_LOG, ENDINGS, KEPT
from ingestion.exports.inventory import AGENCY, PREFIXES, RULES, TABLES
from tests.architecture.statements import rows

SECRET = re.compile("digest|encrypted|secret|password|token|hash")
ALLOWED = {"sha256"}
COLUMNS = """
SELECT attrelid::regclass::text, attname::text, atttypid::regtype::text FROM pg_attribute
WHERE attrelid::regclass::text = ANY(%s) AND attnum > 0 AND NOT attisdropped
"""
NAMES = {table.name for table in TABLES}


def test_tenant_tables_are_exported_or_have_reason(tables: list[str]) -> None:
    assert sorted(table.name for table in TABLES) == sorted(tables)
    assert [table.name for table in TABLES if bool(table.file) == bool(table.omitted_because)] == []
    assert len({table.file for table in TABLES if table.file}) == len(
        [table for table in TABLES if table.file]
    )
    assert all(table.description.endswith(".") for table in TABLES)


def test_tables_with_account_are_erased_with_account(tables: list[str]) -> None:
    columns = rows(COLUMNS, tables)
    referencing = {table for table, column, _ in columns if column == "account_id"}
    listing = {table for table, column, kind in columns if kind == "uuid[]"}

    assert referencing <= {table.name for table in TABLES if table.account_condition}
    assert listing == {table.name for table in TABLES if table.lists_accounts}


def test_tables_are_ordered_by_reference(tables: list[str]) -> None:
    referencing = rows(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s) AND confrelid::regclass::text = ANY(%s)",
        tables,
        tables,
    )
    place = [table.name for table in TABLES]

    assert [(one, other) for one, other in referencing if place.index(one) < place.index(other)] == []
    self_referencing = {one for one, other in referencing if one == other}
    assert self_referencing <= {table.name for table in TABLES if table.prefix}


def test_archive_has_no_secret(tables: list[str]) -> None:
    exported = {table.name: table for table in TABLES if table.file}
    columns = [(name, column) for name, column, _ in rows(COLUMNS, tables) if name in exported]

    shown = {column for name, column in columns if column not in exported[name].excluded}
    assert {column for column in shown if SECRET.search(column)} <= ALLOWED
    assert ("accounts_apikey", "digest") in columns


def test_excluded_and_expressed_columns_exist(tables: list[str]) -> None:
    columns = set(rows(COLUMNS, [*tables, AGENCY.name, RULES.name]))
    known = {(name, column) for name, column, _ in columns}

    named = {
        (table.name, column)
        for table in (*TABLES, AGENCY, RULES)
        for column in (*table.excluded, *table.expressions)
    }
    assert named - known == set()
    assert set(PREFIXES) - {column for _, column in known} == set()


def test_ids_have_public_prefixes(tables: list[str]) -> None:
    exported = {table.name: table for table in TABLES if table.file}
    without_prefix = {
        (name, column)
        for name, column, kind in rows(COLUMNS, tables)
        if kind in {"uuid", "uuid[]"}
        and name in exported
        and column not in {*exported[name].excluded, *exported[name].expressions}
        if column not in PREFIXES and not (column == "id" and exported[name].prefix)
    }

    assert without_prefix == set()


def test_every_table_ends_or_says_why_it_stays(tables: list[str]) -> None:
    classified = [*ENDINGS, AUDIT_LOG, *KEPT]

    assert sorted(classified) == sorted(tables)
    assert all(reason.endswith(".") for reason in KEPT.values())


def test_rows_that_end_before_what_they_refer_to_come_first(tables: list[str]) -> None:
    order = list(ENDINGS)

    assert order.index("metrics_reportedfigure") < order.index("metrics_snapshot")
    stated = [name for name, ending in ENDINGS.items() if "AS report" in ending.rows]
    assert stated[-1] == "ingestion_report"
