"""Test API8:2023 Security Misconfiguration: protective headers, and problems without internals."""

import pytest
from django.conf import settings

from tests.architecture.agency_data import AgencyIds
from tests.client import Client
from tests.owasp.conftest import READS

BASE = str(settings.BASE_DIR).lower()
INSIDE = (
    "traceback",
    "psycopg",
    "django",
    "select ",
    BASE,
    "site-packages",
    ".py",
    "postgres",
    "accounts_",
    "exception",
)
WRONG = [
    "/v1/accounts/'%20OR%201=1--",
    "/v1/accounts?ordering=id;DROP",
    "/v1/../etc/passwd",
    "/v1/accounts/%00",
    "/nothing",
]


def test_debug_page_is_not_shown() -> None:
    assert settings.DEBUG is False


@pytest.mark.parametrize(
    "path", ["/v1/me", "/v1/accounts", "/docs", "/healthz", "/v1/nothing", "/v1/openapi.json"]
)
def test_responses_forbid_content_sniffing(acme: Client, path: str) -> None:
    headers = acme.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not {"Server", "X-Powered-By"} & set(headers)


@pytest.mark.parametrize("path", WRONG)
def test_problem_reveals_no_internals(acme: Client, path: str) -> None:
    response = acme.get(path)

    assert response.status_code in {400, 404}
    assert response["Content-Type"] == "application/problem+json"
    assert [
        word for word in INSIDE if word in response.content.decode().lower().replace(path.lower(), "")
    ] == []


def test_cors_origin_must_be_allowed_by_agency(acme: Client) -> None:
    origins = (
        "https://evil.example",
        "null",
        "https://app.acme.example.evil.example",
        "http://app.acme.example",
        "https://app.acme.example",
    )
    acme.patch("/v1/agency", {"allowed_origins": ["https://app.acme.example"]}, format="json")

    allowed = {
        each: acme.get("/v1/me", headers={"Origin": each}).headers.get("Access-Control-Allow-Origin")
        for each in origins
    }

    assert allowed == dict.fromkeys(origins[:-1]) | {origins[-1]: origins[-1]}


def test_responses_are_not_stored_by_shared_caches(agency_with_data: tuple[Client, AgencyIds]) -> None:
    acme, agency_ids = agency_with_data

    headers = {str(each): each.send(acme, agency_ids).headers.get("Cache-Control", "") for each in READS}

    assert [name for name, words in headers.items() if "public" in words] == []


def test_cookies_are_neither_accepted_nor_set(acme: Client) -> None:
    response = acme.get("/v1/me")

    assert not response.cookies
