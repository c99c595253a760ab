"""Test public pages: the index, problem types, and `security.txt`."""

import ast
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Stranger
from django.utils import timezone

from api.problem_types import BY_SLUG, PROBLEM_TYPES
from ingestion.reports.detection import BINARY
from tests.client import Client

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("api", "accounts", "webhooks", "metrics", "ingestion", "config")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OF_OUR_TEXTS = {"{slug}"}


def slugs_in_code() -> Iterator[str]:
    """Return every slug in code: error codes, rejections of documents, and written types."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                    yield from [str(node.value.value).replace("_", "-")] if "default_code" in names else []
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RejectedDocument":
                    yield from [str(node.args[0].value)] if isinstance(node.args[0], ast.Constant) else []
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from re.findall(r"^/problems/([a-z-]+)$", node.value)
    yield from (slug for slug, _detail in BINARY.values())


def slugs_in_texts() -> Iterator[str]:
    """Return every slug in the documentation and the OpenAPI document."""
    for file in (*(ROOT / "docs").rglob("*.md"), ROOT / "docs" / "openapi.json", ROOT / "README.md"):
        yield from re.findall(r"/problems/([a-z-]+)", file.read_text())


def test_slugs_all_have_a_type() -> None:
    assert {*slugs_in_code(), *slugs_in_texts()} - set(BY_SLUG) == set()


def test_types_have_different_slugs_and_whole_sentences() -> None:
    assert len(BY_SLUG) == len(PROBLEM_TYPES)
    assert [
        kind.slug for kind in PROBLEM_TYPES if not kind.cause.endswith(".") or not kind.cure.endswith(".")
    ] == []
    assert [kind.slug for kind in PROBLEM_TYPES if kind.status and not 400 <= kind.status < 600] == []


def test_type_of_answered_problem_is_a_page(acme: Client) -> None:
    problem = acme.get("/v1/accounts/acct_unknown").json()

    page = Stranger().get(problem["type"]).json()

    assert (page["type"], page["title"], page["status"]) == (
        problem["type"],
        problem["title"],
        problem["status"],
    )
    assert page["cause"]
    assert page["cure"]


@pytest.mark.parametrize("slug", sorted(BY_SLUG))
def test_types_all_have_a_page(db: None, slug: str) -> None:
    page = Stranger().get(f"/problems/{slug}", headers=BROWSER)

    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{BY_SLUG[slug].title}</h1>" in page.content.decode().replace("&#x27;", "'")
    assert f"/problems/{slug}" in page.content.decode()


def test_list_of_problems_has_every_type(db: None) -> None:
    listed = Stranger().get("/problems").json()
    page = Stranger().get("/problems", headers=BROWSER).content.decode()

    assert [each["type"] for each in listed["data"]] == [f"/problems/{kind.slug}" for kind in PROBLEM_TYPES]
    assert listed["next_cursor"] is None
    assert [kind.slug for kind in PROBLEM_TYPES if f'href="/problems/{kind.slug}"' not in page] == []


def test_unknown_type_is_not_found(db: None) -> None:
    response = Stranger().get("/problems/nothing")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


PAGES = ["/", "/v1", "/v1/", "/problems", "/problems/not-found"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_run_no_scripts_and_can_be_cached(db: None, path: str) -> None:
    page = Stranger().get(path, headers=BROWSER)
    again = Stranger().get(path, headers={**BROWSER, "If-None-Match": page["ETag"]})
    head = Stranger().head(path, headers=BROWSER)

    assert "<script" not in page.content.decode()
    assert page["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert page["Cache-Control"] == "public, max-age=300"
    assert "Accept" in page["Vary"].split(", ")
    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head["ETag"], head.content) == (200, page["ETag"], b"")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", ["*/*", "application/json", None])
def test_programs_get_json(db: None, path: str, accept: str | None) -> None:
    response = Stranger().get(path, headers={"Accept": accept} if accept else {})

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert isinstance(response.json(), dict)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/"])
def test_index_leads_to_paths_that_answer(acme: Client, path: str) -> None:
    index = Stranger().get(path).json()
    page = Stranger().get(path, headers=BROWSER).content.decode()

    assert f"<h1>{index['name']} {index['version']}</h1>" in page
    linked = [index[name] for name in ("openapi", "docs", "problems", "health")]
    assert [Stranger().get(each).status_code for each in (*linked, index["api"])] == [200] * 5
    assert re.findall(r'href="([^"]+)"', page) == [
        index["docs"],
        index["openapi"],
        index["problems"],
        index["health"],
    ]


def test_docs_answer_with_and_without_a_slash(db: None) -> None:
    plain, slash = Stranger().get("/docs"), Stranger().get("/docs/")

    assert (plain.status_code, slash.status_code) == (200, 200)
    assert plain["Content-Security-Policy"] == slash["Content-Security-Policy"]
    assert Stranger().get("/docs/?script=").status_code == 200


@pytest.mark.parametrize(
    ("contact", "line"),
    [
        ("mailto:security@agency.example", "Contact: mailto:security@agency.example"),
        ("https://agency.example/security", "Contact: https://agency.example/security"),
    ],
)
def test_security_txt_names_the_contact_for_months(settings: Any, contact: str, line: str) -> None:
    settings.SECURITY_CONTACT = contact

    response = Stranger().get("/.well-known/security.txt")

    lines = response.content.decode().splitlines()
    (expires,) = [each.removeprefix("Expires: ") for each in lines if each.startswith("Expires: ")]
    left = datetime.fromisoformat(expires) - timezone.now()
    assert (response.status_code, response["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert lines[0] == line
    assert timedelta(days=170) < left < timedelta(days=365)


def test_security_txt_without_contact_is_not_found(settings: Any) -> None:
    settings.SECURITY_CONTACT = ""

    response = Stranger().get("/.well-known/security.txt")

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
