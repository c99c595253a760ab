"""Every operation against every stranger. An operation that is new here fails until tests/architecture/operations.py
can fill it."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.operations import BODIES, DOCUMENTED, METHODS, OPERATIONS, Answer, Operation, read
from tests.client import Client
from tests.conftest import NOON, empty

OPEN_TO_ALL = {
    "/v1/openapi.json": "the document of the API",
    "/docs": "the document for people",
    "/docs/": "the same",
    "/": "what is where",
    "/v1": "what is where",
    "/v1/": "what is where",
    "/problems": "the types of problems",
    "/problems/{slug}": "one type of problem",
    "/.well-known/security.txt": "whom to tell of security problems",
    "/v1/auth/sign-in": "who has no session yet",
    "/v1/auth/code": "who has no session yet",
    "/v1/auth/code/confirm": "who has the code of a mail",
    "/v1/auth/password/forgotten": "who cannot sign in",
    "/v1/auth/password/reset": "who has the key of a mail",
    "/v1/auth/sign-up": "who is nobody yet, where the installation says so",
    "/v1/invitations/accept": "who has the token of a mail",
    "/v1/auth/session": "of a person, who need not be a member: tests/accounts/people/test_sign_in.py",
    "/v1/auth/sessions": "of a person, who need not be a member: tests/accounts/people/test_sign_in.py",
    "/v1/auth/password": "of a person, who need not be a member: tests/accounts/people/test_sign_in.py",
    "/healthz": "asked by load balancers",
    "/readyz": "asked by load balancers",
    "/metrics": "asked by Prometheus, which METRICS_TOKEN is for",
}
THE_SAME_FOR_ALL = ("/v1/document-kinds", "/v1/event-types")
PROBLEM = "application/problem+json"
READS = [operation for operation in OPERATIONS if operation.method == "GET"]
NAMING = [operation for operation in OPERATIONS if operation.names]

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
every_operation_on_something = pytest.mark.parametrize("operation", NAMING, ids=str)
every_read = pytest.mark.parametrize("operation", READS, ids=str)


@dataclass(frozen=True)
class World:
    """Two agencies. Acme has two of everything; `spare` is an account of its that may be lost."""

    acme: Client
    rival: Client
    nobody: Client
    of_acme: Furnished
    of_rival: Furnished
    spare: Furnished
    key: str
    revoked: str

    def names_acme(self, answer: Answer) -> list[str]:
        """What of acme's an answer gives away."""
        words = ("acme", *asdict(self.of_acme).values(), *asdict(self.spare).values())
        return [word for word in words if word in answer.text.lower()]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[World]:
    """Made once, of committed rows: nothing that a stranger asks for may change it."""
    with django_db_blocker.unblock():
        yield _world()
        connections.close_all()
    empty(owner_dsn)


def _world() -> World:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    acme, rival = Client(agency, key), Client(*agencies.create_agency(name="Rival", now=NOON))
    with context.agency(agency.pk):
        lost, revoked = key_secrets.create(agency=agency, name="lost key", now=NOON)
    assert Client(agency, revoked).get("/v1/me").status_code == 200
    with context.agency(agency.pk):
        key_secrets.revoke(key=lost, now=NOON)
    of_acme = furnish(acme, name="acme")
    return World(
        acme=acme,
        rival=rival,
        nobody=Client(agency, ""),
        of_acme=of_acme,
        of_rival=furnish(rival, name="rival"),
        spare=replace(furnish(acme, name="acme-too"), report_id=of_acme.report_id),
        key=key,
        revoked=revoked,
    )


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """Every path that is routed, with its parts in braces."""
    for each in patterns:
        path = before + str(each.pattern).replace("<str:", "{").replace(">", "}")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path)
        else:
            yield path


def told(answer: Answer) -> dict[str, Any]:
    """A problem but for the id of its request."""
    assert answer.headers["Content-Type"] == PROBLEM
    return {name: value for name, value in answer.body.items() if name != "request_id"}


def test_every_route_asks_for_a_key_or_is_known_to_be_open() -> None:
    closed = {operation.path for operation in OPERATIONS}

    assert set(routes(get_resolver().url_patterns)) == closed | set(OPEN_TO_ALL)
    assert {operation.path for operation in DOCUMENTED} - closed <= set(OPEN_TO_ALL)


def test_every_body_is_of_an_operation() -> None:
    assert set(BODIES) == {(each.method, each.path) for each in OPERATIONS if each.takes_body}


@every_read
def test_its_own_key_reads_what_is_acme_s(world: World, operation: Operation) -> None:
    answer = operation.ask(world.acme, world.of_acme)

    assert answer.status == 200
    assert operation.path in THE_SAME_FOR_ALL or world.names_acme(answer)


@pytest.mark.parametrize("path", THE_SAME_FOR_ALL)
def test_what_belongs_to_nobody_is_the_same_for_everybody(world: World, path: str) -> None:
    answers = [client.read(path) for client in (world.acme, world.rival)]

    assert answers[0] == answers[1]


@every_operation_on_something
def test_a_stranger_s_key_does_not_find_what_is_acme_s(world: World, operation: Operation) -> None:
    before = (
        world.acme.read("/v1/accounts"),
        world.acme.read(f"/v1/accounts/{world.of_acme.account_id}/reports"),
    )

    answer = operation.ask(world.rival, world.of_acme)

    assert answer.status == 404
    assert told(answer)["type"] == "/problems/not-found"
    assert world.names_acme(answer) == []
    after = (
        world.acme.read("/v1/accounts"),
        world.acme.read(f"/v1/accounts/{world.of_acme.account_id}/reports"),
    )
    assert after == before


@every_operation_on_something
def test_a_stranger_is_told_the_same_of_what_is_acme_s_and_of_what_is_not_there(
    world: World, operation: Operation
) -> None:
    nowhere = {
        name: f"{value.partition('_')[0]}_{secrets.token_hex(16)}"
        for name, value in asdict(world.of_acme).items()
    }

    answers = [told(operation.ask(world.rival, has)) for has in (world.of_acme, nowhere)]
    path = operation.path.replace("{metric}", "order_defect_rate")
    options = [world.rival.options(path.format_map(has)) for has in (asdict(world.of_acme), nowhere)]
    heads = [world.rival.head(path.format_map(has)).status_code for has in (asdict(world.of_acme), nowhere)]

    assert answers[0] == answers[1]
    assert options[0].content == options[1].content
    assert heads[0] == heads[1] != 200


@every_operation
def test_without_a_key_that_opens_nothing_is_told(world: World, operation: Operation) -> None:
    authorizations = {
        "none": "",
        "revoked": f"Bearer {world.revoked}",
        "unknown": f"Bearer {world.key[:21]}{'A' * 43}",
        "cut": f"Bearer {world.key[:-1]}",
        "longer": f"Bearer {world.key}A",
        "twice": f"Bearer {world.key} {world.key}",
        "without scheme": world.key,
        "another scheme": f"Basic {world.key}",
        "scheme alone": "Bearer",
        "prefix alone": f"Bearer {world.key[:20]}",
        "quoted": f'Bearer "{world.key}"',
        "NUL": f"Bearer {world.key}\0",
    }

    for case, authorization in authorizations.items():
        world.nobody.credentials(HTTP_AUTHORIZATION=authorization)
        answer = operation.ask(world.nobody, world.of_acme)

        assert (case, answer.status) == (case, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert told(answer)["status"] == 401
        assert world.names_acme(answer) == []


@every_read
def test_what_a_stranger_reads_of_its_own_names_nothing_of_acme_s(world: World, operation: Operation) -> None:
    answer = operation.ask(world.rival, world.of_rival)

    assert answer.status == 200
    assert world.names_acme(answer) == []


@every_read
def test_no_parameter_points_a_stranger_s_list_at_what_is_acme_s(world: World, operation: Operation) -> None:
    values = [*asdict(world.of_acme).values(), world.acme.agency.public_id, "acme"]
    names = {"account", "agency", "search", *operation.parameters} - {"limit", "cursor"}

    answers = [
        operation.ask(world.rival, world.of_rival, **{name: value}) for name in names for value in values
    ]

    assert {answer.status for answer in answers} <= {200, 400, 404, 406}
    assert not any(world.names_acme(answer) for answer in answers if answer.status == 200)


def test_acme_s_cursors_lead_a_stranger_to_nothing_of_acme_s(world: World) -> None:
    cursors = {
        operation: answer.body["next_cursor"]
        for operation in READS
        if operation.path not in THE_SAME_FOR_ALL
        and "next_cursor" in (answer := operation.ask(world.acme, world.of_acme, limit="1")).body
    }

    assert len(cursors) >= 5
    assert all(cursors.values())
    for operation, cursor in cursors.items():
        own = operation.ask(world.rival, world.of_rival, cursor=cursor)
        foreign = operation.ask(world.rival, world.of_acme, cursor=cursor)

        assert own.status == 200
        assert foreign.status == (404 if operation.names else 200)
        assert (world.names_acme(own), world.names_acme(foreign)) == ([], [])


def test_a_cursor_of_another_list_s_is_refused_or_leads_nowhere_else(world: World) -> None:
    lists = [
        operation
        for operation in READS
        if operation.path not in THE_SAME_FOR_ALL
        and "next_cursor" in operation.ask(world.acme, world.of_acme).body
    ]
    cursors = [operation.ask(world.acme, world.of_acme, limit="1").body["next_cursor"] for operation in lists]

    answers = [
        operation.ask(world.rival, world.of_rival, cursor=cursor) for operation in lists for cursor in cursors
    ]

    assert {answer.status for answer in answers} <= {200, 404}
    assert [world.names_acme(answer) for answer in answers] == [[]] * len(answers)


@every_operation_on_something
def test_an_id_that_is_none_finds_nothing(world: World, operation: Operation) -> None:
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
        has = {name: mangled(value) for name, value in asdict(world.of_acme).items()}

        answer = operation.ask(world.acme, has)

        assert (has, answer.status) == (has, 404)
        assert told(answer)["type"] == "/problems/not-found"


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
def test_a_method_that_is_not_documented_is_not_answered(world: World, path: str) -> None:
    documented = {operation.method for operation in OPERATIONS if operation.path == path}

    for method in (*METHODS, "TRACE"):
        if method not in documented:
            where = path.replace("{metric}", "order_defect_rate").format_map(asdict(world.of_acme))
            answer = read(world.acme.generic(method, where, b"{}", content_type="application/json"))

            assert (method, answer.status) == (method, 405)
            assert told(answer)["status"] == 405


def test_what_is_acme_s_is_acme_s_to_change(world: World) -> None:
    """After everything else, and the account goes at the end: the operations that found nothing for strangers
    do find it.

    Then the agency is closed, and nobody gets in any more.
    """

    closing = next(each for each in OPERATIONS if str(each) == "DELETE /v1/agency")
    writes = [each for each in OPERATIONS if each.method != "GET" and each != closing]
    writes.sort(key=lambda each: (each.method == "DELETE", each.path == "/v1/accounts/{account_id}"))

    answers = {str(operation): operation.ask(world.acme, world.spare).status for operation in writes}

    assert set(answers.values()) <= {200, 201, 202, 204}, answers
    assert world.acme.get(f"/v1/accounts/{world.spare.account_id}").status_code == 404

    assert closing.ask(world.acme, world.spare).status == 202
    assert {operation.ask(world.acme, world.of_acme).status for operation in OPERATIONS} == {401}
