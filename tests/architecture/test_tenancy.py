"""Test every operation with keys of other agencies and with invalid keys. A new operation fails until its body is in
tests/architecture/operations.py."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.operations import (
    BODIES,
    DOCUMENTED,
    METHODS,
    OF_MAILBOXES,
    OPERATIONS,
    Operation,
    Response,
    read,
)
from tests.client import Client
from tests.conftest import NOON

PUBLIC_PATHS = {
    "/v1/openapi.json": "OpenAPI document",
    "/docs": "documentation page",
    "/docs/": "documentation page",
    "/": "index",
    "/v1": "index",
    "/v1/": "index",
    "/problems": "problem types",
    "/problems/{slug}": "one problem type",
    "/.well-known/security.txt": "security contact",
    "/v1/auth/sign-in": "no session yet",
    "/v1/auth/code": "no session yet",
    "/v1/auth/code/confirm": "authenticated by the code of an e-mail",
    "/v1/auth/password/forgotten": "for users who cannot sign in",
    "/v1/auth/password/reset": "authenticated by the key of an e-mail",
    "/v1/auth/sign-up": "for new users, if the installation allows sign-up",
    "/v1/invitations/accept": "authenticated by the token of an e-mail",
    "/v1/auth/session": "for users without an agency too: tests/accounts/people/test_sign_in.py",
    "/v1/auth/sessions": "for users without an agency too: tests/accounts/people/test_sign_in.py",
    "/v1/auth/password": "for users without an agency too: tests/accounts/people/test_sign_in.py",
    "/v1/auth/passkey": "authenticated by the passkey",
    "/v1/auth/passkey/options": "no session yet",
    "/v1/auth/second-factor": "authenticated by the pending sign-in and the second factor",
    "/v1/auth/second-factor/passkey": "authenticated by the pending sign-in and the second factor",
    "/v1/auth/second-factor/passkey/options": "authenticated by the pending sign-in",
    "/v1/auth/second-factors": "for users without an agency too: tests/accounts/people/test_totp.py",
    "/v1/auth/totp": "for users without an agency too: tests/accounts/people/test_totp.py",
    "/v1/auth/totp/activate": "for users without an agency too: tests/accounts/people/test_totp.py",
    "/v1/auth/recovery-codes": "for users without an agency too: tests/accounts/people/test_totp.py",
    "/v1/auth/passkeys": "for users without an agency too: tests/accounts/people/test_passkeys.py",
    "/v1/auth/passkeys/options": "for users without an agency too: tests/accounts/people/test_passkeys.py",
    "/v1/auth/passkeys/{passkey_id}": "for users without an agency too: tests/accounts/people/test_passkeys.py",
    "/v1/webhook-endpoints/confirm": "authenticated by the token of an e-mail",
    "/mailboxes/confirm": "page of the token of an e-mail",
    "/mailboxes/unsubscribe": "page of the token of an e-mail",
    "/healthz": "for load balancers",
    "/readyz": "for load balancers",
    "/metrics": "for Prometheus, with METRICS_TOKEN",
}
SHARED_LISTS = ("/v1/document-kinds", "/v1/event-types", "/v1/rules")
# The reasons of rejected rows quote nothing of a document that could identify anybody, and these small agencies have no
# cause in common.
WITHOUT_IDS = {*SHARED_LISTS, "/v1/reports/{report_id}/rejected-rows", "/v1/portfolio/causes"}
PROBLEM = "application/problem+json"
READS = [operation for operation in OPERATIONS if operation.method == "GET"]
WITH_IDS = [operation for operation in OPERATIONS if operation.names]

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
every_operation_with_id = pytest.mark.parametrize("operation", WITH_IDS, ids=str)
every_read = pytest.mark.parametrize("operation", READS, ids=str)


@dataclass(frozen=True)
class Agencies:
    """Store two agencies. `spare_ids` are a second account of Acme, which tests may delete."""

    acme: Client
    rival: Client
    anonymous: Client
    acme_ids: AgencyIds
    rival_ids: AgencyIds
    spare_ids: AgencyIds
    key: str
    revoked: str

    def find_acme_data(self, response: Response) -> list[str]:
        """Return the words of a response that identify resources of Acme."""
        words = ("acme", *asdict(self.acme_ids).values(), *asdict(self.spare_ids).values())
        return [word for word in words if word in response.text.lower()]


@pytest.fixture(scope="module")
def agencies_with_data(committed_module: None) -> Agencies:
    """Create the agencies once, committed. Requests of other agencies may not change them."""
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    acme, rival = Client(agency, key), Client(*agencies.create_agency(name="Rival", now=NOON))
    with context.agency(agency.pk):
        lost_key, revoked = key_secrets.create(agency=agency, name="lost key", now=NOON)
    assert Client(agency, revoked).get("/v1/me").status_code == 200
    with context.agency(agency.pk):
        key_secrets.revoke(key=lost_key, now=NOON)
    acme_ids = create_agency_data(acme, name="acme")
    return Agencies(
        acme=acme,
        rival=rival,
        anonymous=Client(agency, ""),
        acme_ids=acme_ids,
        rival_ids=create_agency_data(rival, name="rival"),
        spare_ids=replace(create_agency_data(acme, name="acme-too"), report_id=acme_ids.report_id),
        key=key,
        revoked=revoked,
    )


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """Yield every routed path, with its parameters in braces."""
    for each in patterns:
        path = prefix + str(each.pattern).replace("<str:", "{").replace(">", "}")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path)
        else:
            yield path


def problem_without_id(response: Response) -> dict[str, Any]:
    """Return a problem without its request ID."""
    assert response.headers["Content-Type"] == PROBLEM
    return {name: value for name, value in response.body.items() if name != "request_id"}


def test_routes_require_key_or_are_listed_public() -> None:
    closed = {operation.path for operation in OPERATIONS}

    assert set(routes(get_resolver().url_patterns)) == closed | set(PUBLIC_PATHS)
    assert {operation.path for operation in DOCUMENTED} - closed <= set(PUBLIC_PATHS)


def test_bodies_belong_to_operations() -> None:
    assert set(BODIES) == {(each.method, each.path) for each in OPERATIONS if each.takes_body}


@every_read
def test_own_key_reads_own_data(agencies_with_data: Agencies, operation: Operation) -> None:
    response = operation.send(agencies_with_data.acme, agencies_with_data.acme_ids)

    assert response.status == 200
    assert operation.path in WITHOUT_IDS or agencies_with_data.find_acme_data(response)


@pytest.mark.parametrize("path", SHARED_LISTS)
def test_shared_lists_are_equal_for_all_agencies(agencies_with_data: Agencies, path: str) -> None:
    responses = [client.read(path) for client in (agencies_with_data.acme, agencies_with_data.rival)]

    assert responses[0] == responses[1]


@every_operation_with_id
def test_key_of_another_agency_finds_nothing(agencies_with_data: Agencies, operation: Operation) -> None:
    prefix = (
        agencies_with_data.acme.read("/v1/accounts"),
        agencies_with_data.acme.read(f"/v1/accounts/{agencies_with_data.acme_ids.account_id}/reports"),
    )

    response = operation.send(agencies_with_data.rival, agencies_with_data.acme_ids)

    assert response.status == 404
    assert problem_without_id(response)["type"] == "/problems/not-found"
    assert agencies_with_data.find_acme_data(response) == []
    after = (
        agencies_with_data.acme.read("/v1/accounts"),
        agencies_with_data.acme.read(f"/v1/accounts/{agencies_with_data.acme_ids.account_id}/reports"),
    )
    assert after == prefix


@every_operation_with_id
def test_response_is_equal_for_foreign_and_unknown_ids(
    agencies_with_data: Agencies, operation: Operation
) -> None:
    unknown_ids = {
        name: f"{value.partition('_')[0]}_{secrets.token_hex(16)}"
        for name, value in asdict(agencies_with_data.acme_ids).items()
    }

    responses = [
        problem_without_id(operation.send(agencies_with_data.rival, resource_ids))
        for resource_ids in (agencies_with_data.acme_ids, unknown_ids)
    ]
    path = operation.path.replace("{metric}", "order_defect_rate")
    options = [
        agencies_with_data.rival.options(path.format_map(resource_ids))
        for resource_ids in (asdict(agencies_with_data.acme_ids), unknown_ids)
    ]
    heads = [
        agencies_with_data.rival.head(path.format_map(resource_ids)).status_code
        for resource_ids in (asdict(agencies_with_data.acme_ids), unknown_ids)
    ]

    assert responses[0] == responses[1]
    assert options[0].content == options[1].content
    assert heads[0] == heads[1] != 200


@every_operation
def test_invalid_authorization_is_refused_without_data(
    agencies_with_data: Agencies, operation: Operation
) -> None:
    authorizations = {
        "none": "",
        "revoked": f"Bearer {agencies_with_data.revoked}",
        "unknown": f"Bearer {agencies_with_data.key[:21]}{'A' * 43}",
        "cut": f"Bearer {agencies_with_data.key[:-1]}",
        "longer": f"Bearer {agencies_with_data.key}A",
        "twice": f"Bearer {agencies_with_data.key} {agencies_with_data.key}",
        "without scheme": agencies_with_data.key,
        "another scheme": f"Basic {agencies_with_data.key}",
        "scheme alone": "Bearer",
        "prefix alone": f"Bearer {agencies_with_data.key[:20]}",
        "quoted": f'Bearer "{agencies_with_data.key}"',
        "NUL": f"Bearer {agencies_with_data.key}\0",
    }

    for case, authorization in authorizations.items():
        agencies_with_data.anonymous.credentials(HTTP_AUTHORIZATION=authorization)
        response = operation.send(agencies_with_data.anonymous, agencies_with_data.acme_ids)

        assert (case, response.status) == (case, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert problem_without_id(response)["status"] == 401
        assert agencies_with_data.find_acme_data(response) == []


@every_read
def test_reads_of_another_agency_contain_nothing_of_acme(
    agencies_with_data: Agencies, operation: Operation
) -> None:
    response = operation.send(agencies_with_data.rival, agencies_with_data.rival_ids)

    assert response.status == 200
    assert agencies_with_data.find_acme_data(response) == []


@every_read
def test_parameters_with_foreign_ids_return_nothing_of_acme(
    agencies_with_data: Agencies, operation: Operation
) -> None:
    values = [*asdict(agencies_with_data.acme_ids).values(), agencies_with_data.acme.agency.public_id, "acme"]
    names = {"account", "agency", "search", *operation.parameters} - {"limit", "cursor"}

    responses = [
        operation.send(agencies_with_data.rival, agencies_with_data.rival_ids, **{name: value})
        for name in names
        for value in values
    ]

    assert {response.status for response in responses} <= {200, 400, 404, 406}
    assert not any(
        agencies_with_data.find_acme_data(response) for response in responses if response.status == 200
    )


def test_cursors_of_another_agency_return_nothing_of_acme(agencies_with_data: Agencies) -> None:
    cursors = {
        operation: response.body["next_cursor"]
        for operation in READS
        if operation.path not in SHARED_LISTS
        and "next_cursor"
        in (response := operation.send(agencies_with_data.acme, agencies_with_data.acme_ids, limit="1")).body
    }

    assert len(cursors) >= 5
    assert all(cursors.values())
    for operation, cursor in cursors.items():
        own = operation.send(agencies_with_data.rival, agencies_with_data.rival_ids, cursor=cursor)
        foreign = operation.send(agencies_with_data.rival, agencies_with_data.acme_ids, cursor=cursor)

        assert own.status == 200
        assert foreign.status == (404 if operation.names else 200)
        assert (agencies_with_data.find_acme_data(own), agencies_with_data.find_acme_data(foreign)) == (
            [],
            [],
        )


def test_cursors_of_another_list_return_nothing_of_acme(agencies_with_data: Agencies) -> None:
    lists = [
        operation
        for operation in READS
        if operation.path not in SHARED_LISTS
        and "next_cursor" in operation.send(agencies_with_data.acme, agencies_with_data.acme_ids).body
    ]
    cursors = [
        operation.send(agencies_with_data.acme, agencies_with_data.acme_ids, limit="1").body["next_cursor"]
        for operation in lists
    ]

    responses = [
        operation.send(agencies_with_data.rival, agencies_with_data.rival_ids, cursor=cursor)
        for operation in lists
        for cursor in cursors
    ]

    assert {response.status for response in responses} <= {200, 404}
    assert [agencies_with_data.find_acme_data(response) for response in responses] == [[]] * len(responses)


@every_operation_with_id
def test_invalid_ids_find_nothing(agencies_with_data: Agencies, operation: Operation) -> None:
    for mangled in (
        lambda text: text.partition("_")[2],
        lambda text: text.replace("_", "-"),
        lambda text: "note_" + text.partition("_")[2],
        lambda text: text + "0",
        lambda text: text[:-1],
        lambda text: text[:-1] + "g",
        lambda text: text[:-1] + "%00",
        lambda text: text[:-1] + "'",
        lambda _: "0" * 5_000,
        lambda _: "%F0%9F%92%A9",
    ):
        resource_ids = {name: mangled(value) for name, value in asdict(agencies_with_data.acme_ids).items()}

        response = operation.send(agencies_with_data.acme, resource_ids)

        assert (resource_ids, response.status) == (resource_ids, 404)
        assert problem_without_id(response)["type"] == "/problems/not-found"


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
def test_undocumented_methods_are_not_allowed(agencies_with_data: Agencies, path: str) -> None:
    documented = {operation.method for operation in OPERATIONS if operation.path == path}

    for method in (*METHODS, "TRACE"):
        if method not in documented:
            where = path.replace("{metric}", "order_defect_rate").format_map(
                asdict(agencies_with_data.acme_ids)
            )
            response = read(
                agencies_with_data.acme.generic(method, where, b"{}", content_type="application/json")
            )

            assert (method, response.status) == (method, 405)
            assert problem_without_id(response)["status"] == 405


def test_own_data_can_be_changed_and_agency_closed(agencies_with_data: Agencies) -> None:
    """Run last: the operations that find nothing for other agencies succeed for Acme.

    The account is deleted last. Then the agency is closed, and every key is refused.
    """

    closing = next(each for each in OPERATIONS if str(each) == "DELETE /v1/agency")
    writes = [
        each
        for each in OPERATIONS
        if each.method != "GET" and each != closing and str(each) not in OF_MAILBOXES
    ]
    writes.sort(key=lambda each: (each.method == "DELETE", each.path == "/v1/accounts/{account_id}"))

    responses = {
        str(operation): operation.send(agencies_with_data.acme, agencies_with_data.spare_ids).status
        for operation in writes
    }

    assert set(responses.values()) <= {200, 201, 202, 204}, responses
    assert (
        agencies_with_data.acme.get(f"/v1/accounts/{agencies_with_data.spare_ids.account_id}").status_code
        == 404
    )

    assert closing.send(agencies_with_data.acme, agencies_with_data.spare_ids).status == 202
    assert {
        operation.send(agencies_with_data.acme, agencies_with_data.acme_ids).status
        for operation in OPERATIONS
    } == {401}
