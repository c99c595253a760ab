"""What is handed over and what is erased, held against the database: no table of an agency's is forgotten."""

import re

from ingestion.exports.inventory import AGENCY, PREFIXES, RULES, TABLES
from tests.architecture.statements import rows

SECRET = re.compile("digest|encrypted|secret|password|token|hash")
FORESEEN = {"sha256"}
COLUMNS = """
SELECT attrelid::regclass::text, attname::text, atttypid::regtype::text FROM pg_attribute
WHERE attrelid::regclass::text = ANY(%s) AND attnum > 0 AND NOT attisdropped
"""
NAMES = {table.name for table in TABLES}


def test_every_table_of_an_agency_is_handed_over_or_is_said_why_not(tables: list[str]) -> None:
    assert sorted(table.name for table in TABLES) == sorted(tables)
    assert [table.name for table in TABLES if bool(table.file) == bool(table.omitted_because)] == []
    assert len({table.file for table in TABLES if table.file}) == len(
        [table for table in TABLES if table.file]
    )
    assert all(table.description.endswith(".") for table in TABLES)


def test_every_table_that_names_an_account_is_erased_with_it(tables: list[str]) -> None:
    columns = rows(COLUMNS, tables)
    naming = {table for table, column, _ in columns if column == "account_id"}
    listing = {table for table, column, kind in columns if kind == "uuid[]"}

    assert naming <= {table.name for table in TABLES if table.account_condition}
    assert listing == {table.name for table in TABLES if table.lists_accounts}


def test_what_names_another_row_comes_after_it(tables: list[str]) -> None:
    naming = rows(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s) AND confrelid::regclass::text = ANY(%s)",
        tables,
        tables,
    )
    place = [table.name for table in TABLES]

    assert [(one, other) for one, other in naming if place.index(one) < place.index(other)] == []
    itself = {one for one, other in naming if one == other}
    assert itself <= {table.name for table in TABLES if table.prefix}


def test_no_archive_holds_a_secret(tables: list[str]) -> None:
    exported = {table.name: table for table in TABLES if table.file}
    columns = [(name, column) for name, column, _ in rows(COLUMNS, tables) if name in exported]

    shown = {column for name, column in columns if column not in exported[name].excluded}
    assert {column for column in shown if SECRET.search(column)} <= FORESEEN
    assert ("accounts_apikey", "digest") in columns


def test_what_is_left_out_or_told_otherwise_is_there(tables: list[str]) -> None:
    columns = set(rows(COLUMNS, [*tables, AGENCY.name, RULES.name]))
    known = {(name, column) for name, column, _ in columns}

    named = {
        (table.name, column)
        for table in (*TABLES, AGENCY, RULES)
        for column in (*table.excluded, *table.expressions)
    }
    assert named - known == set()
    assert set(PREFIXES) - {column for _, column in known} == set()


def test_every_id_has_the_prefix_that_the_api_gives_it(tables: list[str]) -> None:
    exported = {table.name: table for table in TABLES if table.file}
    bare = {
        (name, column)
        for name, column, kind in rows(COLUMNS, tables)
        if kind in {"uuid", "uuid[]"}
        and name in exported
        and column not in {*exported[name].excluded, *exported[name].expressions}
        if column not in PREFIXES and not (column == "id" and exported[name].prefix)
    }

    assert bare == set()
