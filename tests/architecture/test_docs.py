"""Test that names, links and paths in the documentation exist."""

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
SELF_EXPLANATORY = {"pytest", "pytest-django", "ruff"}
APPS = ("api", "accounts", "webhooks", "metrics", "ingestion", "config")
COMPOSED_NAMES = {"agency.changed", "account.changed"} | {
    f"breach.{what}" for what in ("acknowledged", "snoozed", "assigned", "noted")
}
"""Audit entries whose names are composed of a subject and an action."""
ELSEWHERE = {"GET_V2_SELLER_PERFORMANCE_REPORT"}  # mentioned, but not loaded


def find_unknown(pattern: re.Pattern[str], known: set[str]) -> dict[str, set[str]]:
    """Return the unknown names of each page."""
    named = {str(page.relative_to(ROOT)): set(pattern.findall(page.read_text())) - known for page in PAGES}
    return {page: names for page, names in named.items() if names}


def test_pages_exist() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}

    assert {"README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/security.md", "docs/odr.md"} <= names
    assert any(name.startswith("docs/adr/") for name in names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_variables_are_explained() -> None:
    explained = re.findall(
        r"^#?([A-Z_]+)=", (ROOT / "docker" / "env.example").read_text(), flags=re.MULTILINE
    )

    assert find_unknown(VARIABLE, set(explained)) == {}


def test_make_targets_exist() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[0].split()

    assert find_unknown(TARGET, set(targets)) == {}


def test_commands_exist() -> None:
    assert find_unknown(COMMAND, set(get_commands())) == {}


def test_report_names_are_report_types() -> None:
    assert find_unknown(REPORT, set(REPORT_TYPE_BY_NAME) | ELSEWHERE) == {}


def test_files_exist() -> None:
    named = {file for page in PAGES for file in FILE.findall(page.read_text())}

    assert {file for file in named if not (ROOT / file).exists()} == set()


def test_folders_and_modules_exist() -> None:
    named = {folder for page in PAGES for folder in PLACE.findall(page.read_text())}

    assert len(named) > 60
    assert {
        folder for folder in named if not ((ROOT / folder).is_dir() or (ROOT / f"{folder}.py").exists())
    } == set()


def test_code_names_exist() -> None:
    named = {code_name for page in PAGES for code_name in NAME.findall(page.read_text())}

    assert {
        (file, name) for file, name in named if f"\n{name}" not in (ROOT / f"{file}.py").read_text()
    } == set()


def test_api_paths_are_in_openapi_document() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    known = {re.sub(r"{\w+}", "{}", path) for path in document["paths"]}
    named = {path for page in PAGES for path in PATH.findall(page.read_text())}

    assert {path for path in named if re.sub(r"{\w+}", "{}", path) not in known} == set()


def test_audit_entry_names_are_documented() -> None:
    modules = [file.read_text() for app in APPS for file in (ROOT / app).rglob("*.py")]
    nouns = "|".join({name.partition(".")[0] for name in documented_entries()})
    kind = re.compile(rf'"((?:{nouns})\.[a-z_]+)"')
    written = {
        name for text in modules if re.search(r"\bimport .*\baudit\b", text) for name in kind.findall(text)
    }

    assert written - documented_entries() - set(catalogue.names_of("*")) == set()
    assert documented_entries() - written == COMPOSED_NAMES


def documented_entries() -> set[str]:
    """Return the audit entries of the page. A name that begins with a point has the subject before it."""

    page, entries = (ROOT / "docs" / "audit-and-retention.md").read_text(), set()
    for row in re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE):
        subject = ""
        for prefix, what in re.findall(r"`([a-z]*)\.([a-z_]+)`", row):
            subject = prefix or subject
            entries.add(f"{subject}.{what}")
    return entries


def test_decisions_are_numbered_and_dated() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    assert [page.name for page in pages if not page.read_text().startswith("# ")] == []
    assert [
        page.name
        for page in pages
        if not re.search(r"^Date: 20\d\d-\d\d-\d\d[.] Status: [a-z]", page.read_text(), re.MULTILINE)
    ] == []


def test_dependencies_have_reasons() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    pinned = re.findall(r'^  "([\w.\[\]-]+)==[\w.]+",(.*)$', text, flags=re.MULTILINE)

    assert len(pinned) > 15
    assert {name for name, why in pinned if len(why.partition("#")[2].strip()) < 5} <= SELF_EXPLANATORY
