"""The pages: what they point to is there, and is called what they call it."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from ingestion.reports import REPORT_TYPE_BY_NAME
from webhooks.events import catalogue

ROOT = Path(settings.BASE_DIR)
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")
VARIABLE = re.compile(
    r"\b(?:DATABASE|BROKER|SECRET|UNDERONE|UPLOAD|REPORT|ORDERS|SHIPMENTS|MESSAGES|RETURNS|REPORTED|MARKETPLACE|WEB|WORKER|LOG|STATIC|ALLOWED|SECRETS|DELIVERIES|EMAIL|CACHE|RATE|TRUSTED|METRICS|SENTRY|OTEL)_[A-Z_]+\b"
)
REPORT = re.compile(r"\bGET_[A-Z_]+\b")
PATH = re.compile(r"/v1(?:/[a-z_{}-]+)+(?![\w/]|\.json)")
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
TARGET = re.compile(r"\bmake ([a-z-]+)`")
FILE = re.compile(
    r"`((?:api|accounts|webhooks|metrics|ingestion|config|docker|bench|docs|tests)/[\w./-]+\.[a-z]+)`"
)
PLACE = re.compile(r"`((?:api|accounts|webhooks|metrics|ingestion|config|bench|docs|tests)(?:/\w+)+/?)`")
NAME = re.compile(r"`((?:api|accounts|webhooks|metrics|ingestion|config)(?:/\w+)+)\.([A-Z_]+)`")
SPEAK_FOR_THEMSELVES = {"pytest", "pytest-django", "ruff"}
APPS = ("api", "accounts", "webhooks", "metrics", "ingestion", "config")
COMPOSED = {"agency.changed", "account.changed"} | {
    f"breach.{what}" for what in ("acknowledged", "snoozed", "assigned", "noted")
}
"""Entries whose kind is put together of a thing and a word."""
ELSEWHERE = {"GET_V2_SELLER_PERFORMANCE_REPORT"}  # Amazon's, spoken of and not read


def missing(pattern: re.Pattern[str], known: set[str]) -> dict[str, set[str]]:
    """What pages call by a name that nothing bears."""
    named = {str(page.relative_to(ROOT)): set(pattern.findall(page.read_text())) - known for page in PAGES}
    return {page: names for page, names in named.items() if names}


def test_there_is_something_to_read() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}

    assert {"README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/security.md", "docs/odr.md"} <= names
    assert any(name.startswith("docs/adr/") for name in names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_every_variable_is_one_that_is_explained() -> None:
    explained = re.findall(
        r"^#?([A-Z_]+)=", (ROOT / "docker" / "env.example").read_text(), flags=re.MULTILINE
    )

    assert missing(VARIABLE, set(explained)) == {}


def test_every_target_of_make_exists() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[0].split()

    assert missing(TARGET, set(targets)) == {}


def test_every_command_exists() -> None:
    assert missing(COMMAND, set(get_commands())) == {}


def test_every_report_is_one_that_is_read() -> None:
    assert missing(REPORT, set(REPORT_TYPE_BY_NAME) | ELSEWHERE) == {}


def test_every_file_that_is_named_is_there() -> None:
    named = {file for page in PAGES for file in FILE.findall(page.read_text())}

    assert {file for file in named if not (ROOT / file).exists()} == set()


def test_every_folder_or_module_that_is_named_is_there() -> None:
    named = {place for page in PAGES for place in PLACE.findall(page.read_text())}

    assert len(named) > 60
    assert {
        place for place in named if not ((ROOT / place).is_dir() or (ROOT / f"{place}.py").exists())
    } == set()


def test_every_name_in_the_code_is_there() -> None:
    named = {code_name for page in PAGES for code_name in NAME.findall(page.read_text())}

    assert {
        (file, name) for file, name in named if f"\n{name}" not in (ROOT / f"{file}.py").read_text()
    } == set()


def test_every_path_of_the_api_is_in_the_document() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    known = {re.sub(r"{\w+}", "{}", path) for path in document["paths"]}
    named = {path for page in PAGES for path in PATH.findall(page.read_text())}

    assert {path for path in named if re.sub(r"{\w+}", "{}", path) not in known} == set()


def test_every_kind_of_entry_in_the_audit_log_is_told() -> None:
    modules = [file.read_text() for app in APPS for file in (ROOT / app).rglob("*.py")]
    nouns = "|".join({name.partition(".")[0] for name in told_entries()})
    kind = re.compile(rf'"((?:{nouns})\.[a-z_]+)"')
    written = {
        name for text in modules if re.search(r"\bimport .*\baudit\b", text) for name in kind.findall(text)
    }

    assert written - told_entries() - set(catalogue.names_of("*")) == set()
    assert told_entries() - written == COMPOSED


def told_entries() -> set[str]:
    """The kinds of entries that the page tells, in full; one that begins with a point is of the thing before
    it."""

    page, entries = (ROOT / "docs" / "audit-and-retention.md").read_text(), set()
    for row in re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE):
        thing = ""
        for of, what in re.findall(r"`([a-z]*)\.([a-z_]+)`", row):
            thing = of or thing
            entries.add(f"{thing}.{what}")
    return entries


def test_each_decision_says_what_was_chosen_and_is_numbered_in_turn() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    assert [page.name for page in pages if not page.read_text().startswith("# ")] == []
    assert [
        page.name
        for page in pages
        if not re.search(r"^Date: 20\d\d-\d\d-\d\d[.] Status: [a-z]", page.read_text(), re.MULTILINE)
    ] == []


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    pinned = re.findall(r'^  "([\w.\[\]-]+)==[\w.]+",(.*)$', text, flags=re.MULTILINE)

    assert len(pinned) > 15
    assert {name for name, why in pinned if len(why.partition("#")[2].strip()) < 5} <= SPEAK_FOR_THEMSELVES
