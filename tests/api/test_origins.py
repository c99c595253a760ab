"""Test valid and invalid origins, as browsers write them."""

import pytest

from api import origins
from tests.client import Client


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.agency.example", "https://app.agency.example"),
        ("https://APP.Agency.example", "https://app.agency.example"),
        ("https://app.agency.example:443", "https://app.agency.example"),
        ("https://app.agency.example:8443", "https://app.agency.example:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://shop.localhost:80", "http://shop.localhost"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_origin_is_normalized_as_browsers_write_it(text: str, origin: str) -> None:
    assert origins.parse(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "*",
            "null",
            "https://",
            "https://*.example",
            "app.agency.example",
            "//app.agency.example",
            "ftp://a.example",
        ),
        *(
            "http://app.agency.example",
            "http://localhost.evil.example",
            "https://a.example/",
            "https://a.example/app",
        ),
        *(
            "https://a.example?x",
            "https://a.example#x",
            "https://user@a.example",
            "https://a.example:0",
            "https://a.example:70000",
        ),
        *(
            "https://a\n.example",
            "https://a .example",
            "https://bücher.example",
            "https://a..example",
            "https://a.example\0",
        ),
    ],
)
def test_origin_that_is_invalid_is_none(text: str) -> None:
    assert origins.parse(text) is None


@pytest.mark.parametrize("wrong", ["https://a.example/", "*", "http://a.example", ""])
def test_origin_error_has_its_index(acme: Client, wrong: str) -> None:
    response = acme.patch("/v1/agency", {"allowed_origins": ["https://a.example", wrong]}, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/allowed_origins/1")
    assert acme.read("/v1/agency")["allowed_origins"] == []


def test_origins_of_agency_are_set_and_removed(acme: Client) -> None:
    named = acme.patch(
        "/v1/agency", {"allowed_origins": ["https://A.example", "https://a.example:443"]}, format="json"
    )
    unchanged = acme.patch("/v1/agency", {"name": "Other"}, format="json")
    cleared = acme.patch("/v1/agency", {"allowed_origins": []}, format="json")

    assert [each.json()["allowed_origins"] for each in (named, unchanged, cleared)] == [
        ["https://a.example"]
    ] * 2 + [[]]
