"""API1:2023 Broken Object Level Authorization: IDs of other agencies in bodies and parameters.

tests/architecture/test_permission_matrix.py sends every operation as every kind of principal, with such IDs in paths.
"""

from typing import Any

import pytest

from api import identifiers
from tests.architecture.agency_data import AgencyIds
from tests.client import Client
from tests.owasp.conftest import READS, with_key

BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("put", "/v1/thresholds", {"metric": "return_rate", "account": "{account_id}", "warn_at": 0.1}),
    ("post", "/v1/webhook-endpoints", {"url": "https://new.example/hooks", "accounts": ["{account_id}"]}),
    ("post", "/v1/tokens", {"accounts": ["{account_id}"]}),
    ("post", "/v1/api-keys", {"name": "x", "role": "viewer", "accounts": ["{account_id}"]}),
    ("post", "/v1/invitations", {"email": "x@example.com", "role": "viewer", "accounts": ["{account_id}"]}),
]
NAMING = [operation for operation in READS if operation.names]


def fill(body: dict[str, Any], account: str) -> dict[str, Any]:
    return {
        name: [account] if value == ["{account_id}"] else account if value == "{account_id}" else value
        for name, value in body.items()
    }


@pytest.mark.parametrize(
    ("method", "path", "body"), BODIES, ids=lambda each: each if isinstance(each, str) else ""
)
def test_foreign_id_in_body_is_answered_like_unknown_id(
    acme: Client, rival: Client, shop: str, method: str, path: str, body: dict[str, Any]
) -> None:
    responses = [
        getattr(rival, method)(path, fill(body, account), format="json")
        for account in (shop, "acct_" + "0" * 32)
    ]

    assert [answer.status_code for answer in responses] == [404, 404]
    assert responses[0].json() | {"request_id": ""} == responses[1].json() | {"request_id": ""}
    assert getattr(acme, method)(path, fill(body, shop), format="json").status_code in {200, 201}


@pytest.mark.parametrize("parameter", ["/v1/breaches", "/v1/events", "/v1/thresholds"])
def test_foreign_id_in_parameter_is_not_found(rival: Client, shop: str, parameter: str) -> None:
    assert rival.get(parameter, {"account": shop}).status_code == 404


def test_limited_principal_reads_nothing_by_foreign_ids(agency_with_data: tuple[Client, AgencyIds]) -> None:
    acme, agency_ids = agency_with_data
    other = acme.take_on(name="Other", partner="A1OTHER")
    limited = with_key(acme, role="viewer", accounts=[identifiers.private("acct", other)])

    responses = {str(each): each.send(limited, agency_ids).status for each in NAMING}

    assert set(responses.values()) <= {403, 404}, responses
    assert [each["id"] for each in limited.read("/v1/accounts")["data"]] == [other]


def test_ids_are_not_enumerable(agency_with_data: tuple[Client, AgencyIds]) -> None:
    """The last digits of an ID are random, so neighboring IDs do not exist."""
    acme, agency_ids = agency_with_data
    near = {name: f"{text[:-1]}{(int(text[-1], 16) + 1) % 16:x}" for name, text in vars(agency_ids).items()}

    assert {each.send(acme, near).status for each in NAMING} == {404}
