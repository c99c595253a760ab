"""Test on every operation of the OpenAPI document that a wrong query parameter is refused and never ignored."""

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from api import choices
from tests.accounts.people.visitors import Visitor, create_user
from tests.architecture.agency_data import create_agency_data
from tests.architecture.operations import DOCUMENTED, SHARED_PARTS, Operation, Response, read
from tests.build import order_id
from tests.client import Client

OF_VERSION_1 = [operation for operation in DOCUMENTED if operation.path.startswith("/v1/")]
FORMAT = "format"


class AnyId(dict[str, str]):
    """Fill every ID of a path with one that exists nowhere."""

    def __missing__(self, name: str) -> str:
        return SHARED_PARTS.get(name, f"x_{'0' * 32}")


@pytest.fixture
def db(committed_db: None) -> None:
    """Commit everything, because sessions are read in transactions of their own."""


@pytest.fixture
def user() -> Visitor:
    """Return a signed-in user who is a member of no agency."""
    visitor, person = Visitor(), create_user()
    visitor.sign_in(person.email)
    return visitor


def send(client: APIClient, operation: Operation, query: str, **parts: str) -> Response:
    """Send an operation without a body, so that only its query can be refused."""
    path = operation.path.format_map(AnyId(parts))
    return read(client.generic(operation.method, path, QUERY_STRING=query))


def errors(response: Response) -> list[tuple[str, str]]:
    """Return the pointer and detail of each error of an invalid request."""
    assert (response.status, response.body["type"]) == (400, "/problems/invalid-request"), response.text
    return [(error["pointer"], error["detail"]) for error in response.body["errors"]]


def misspell(name: str) -> str:
    """Return the name with its last two letters swapped, as in `metirc`."""
    return name[:-3] + name[-2] + name[-3] + name[-1] if len(name) > 4 else f"{name}s"


def test_unknown_query_parameter_is_refused_by_every_operation(acme: Client, user: Visitor) -> None:
    for operation in OF_VERSION_1:
        client = acme if operation.needs_key else user
        ((pointer, detail),) = errors(send(client, operation, "zzzzzz=1"))

        assert pointer == "/zzzzzz", operation
        assert detail.startswith("`zzzzzz` is not a parameter of this endpoint; "), operation
        assert all(name in detail for name in operation.parameters), operation


def test_misspelt_query_parameter_is_refused_with_its_name(acme: Client) -> None:
    tried = 0
    for operation in OF_VERSION_1:
        for name in operation.parameters:
            wrong = misspell(name)
            ((pointer, detail),) = errors(send(acme, operation, f"{wrong}=1"))

            near = choices.nearest(wrong, operation.parameters)
            assert (pointer, near) == (f"/{wrong}", name), operation
            assert detail == f"`{wrong}` is not a parameter of this endpoint; did you mean `{name}`?"
            tried += 1
    assert tried > 80


def test_every_wrong_query_parameter_is_listed(acme: Client) -> None:
    response = read(acme.get("/v1/accounts", {"sort": "name", "staus": "healthy", "limit": "1"}))

    assert [pointer for pointer, _ in errors(response)] == ["/sort", "/staus"]


def test_declared_query_parameters_are_accepted(acme: Client) -> None:
    ids = create_agency_data(acme, name="acme")
    for operation in OF_VERSION_1:
        if operation.method == "GET" and operation.needs_key:
            values = dict.fromkeys(operation.parameters, "")
            refused = {
                error["pointer"] for error in operation.send(acme, ids, **values).body.get("errors", ())
            }
            details = str(operation.send(acme, ids, **values).body)

            assert "is not a parameter" not in details, (operation, refused)


def test_format_is_accepted_by_reads_only(acme: Client) -> None:
    assert acme.get("/v1/accounts", {FORMAT: "csv"})["Content-Type"].startswith("text/csv")
    assert acme.get("/v1/me", {FORMAT: "json"}).status_code == 200
    assert acme.head("/v1/accounts", {FORMAT: "json"}).status_code == 200
    assert (
        acme.post("/v1/accounts?format=json", {}, format="json").json()["errors"][0]["pointer"] == "/format"
    )


def test_other_methods_are_refused_as_such(acme: Client) -> None:
    for operation in filter(lambda each: each.needs_key, OF_VERSION_1):
        assert acme.generic("TRACE", operation.path.format_map(AnyId()) + "?limit=1").status_code == 405
    assert acme.options("/v1/accounts?zzz=1").status_code == 200


def test_document_and_docs_are_reachable_with_any_parameter(acme: Client) -> None:
    for path in ("/v1/openapi.json", "/docs", "/healthz"):
        assert APIClient().get(path, {"v": "2"}).status_code == 200, path


def test_strangers_learn_nothing_from_parameters(db: None) -> None:
    assert APIClient().get("/v1/accounts", {"zzz": "1"}).status_code == 401


def choice_parameters() -> list[tuple[Operation, str, list[str]]]:
    """Return each parameter that accepts some words only, with these words."""
    return [
        (operation, name, list(words))
        for operation in OF_VERSION_1
        for name, words in operation.choices.items()
        if name != "fields"
    ]


def test_refused_choice_lists_the_accepted_ones(acme: Client) -> None:
    ids = create_agency_data(acme, name="acme")
    refused: dict[Any, str] = {}
    for operation, name, words in choice_parameters():
        ((pointer, detail),) = errors(operation.send(acme, ids, **{name: "Jane Doe"}))
        assert pointer == f"/{name}", operation
        refused[str(operation), name] = detail
        # The document sorts some of them.
        assert sorted(re.findall(r"[-\w.*]+", detail.removesuffix("."))) == sorted(
            ["Expected", "one", "of", *words]
        )
    assert len(refused) >= 15


def test_refused_choice_of_body_lists_the_accepted_ones(acme: Client, shop: str) -> None:
    bodies = {
        "/v1/accounts": {"name": "A", "selling_partner_id": "A9", "home_marketplace": "DEE"},
        "/v1/invitations": {"email": "new@acme.example", "role": "veiwer"},
        "/v1/webhook-endpoints": {"url": "https://a.example", "event_types": ["breach.open"]},
        f"/v1/accounts/{shop}/defects": {
            "defects": [
                {"order_id": order_id(1), "kind": "a_to_z", "occurred_on": "2026-11-01", "state": "pending"}
            ]
        },
    }

    details = [acme.post(path, body, format="json").json()["detail"] for path, body in bodies.items()]

    for detail, near in zip(details, ("DE", "viewer", "breach.opened", "a_to_z_claim"), strict=True):
        assert f"Did you mean `{near}`? Expected one of " in detail
