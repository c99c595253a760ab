"""Test writes with `Idempotency-Key` and `If-Match`: over HTTP, concurrent, and killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey, IdempotencyRecord, SellerAccount
from accounts.requests import idempotency
from accounts.tenancy import context, locks
from ingestion.models import Report
from tests import build
from tests.client import Client
from tests.conftest import NOON

SHOP = {"name": "Nord", "selling_partner_id": "A1NORD", "home_marketplace": "DE"}
ACCOUNTS, ENDPOINTS = "/v1/accounts", "/v1/webhook-endpoints"


@pytest.fixture
def firm(committed_db: None) -> Client:
    """Create an agency with committed rows."""
    return Client(*agencies.create_agency(name="Acme", now=NOON))


def post(client: Client, path: str, body: Any, *, key: str) -> Any:
    return client.post(path, body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def summarize(answer: Any) -> tuple[int, bytes, str]:
    return answer.status_code, answer.content, answer.get("Location", "")


def test_write_repeated_with_key_has_one_effect(acme: Client) -> None:
    first, again = (post(acme, ACCOUNTS, SHOP, key="k1") for _ in range(2))

    assert summarize(again) == summarize(first)
    assert (first.status_code, first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (
        201,
        None,
        "true",
    )
    assert again["Content-Type"] == first["Content-Type"]
    assert len(acme.read(ACCOUNTS)["data"]) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda client: post(client, ACCOUNTS, SHOP | {"name": "Süd"}, key="k1"),
        lambda client: post(client, ENDPOINTS, SHOP, key="k1"),
        lambda client: client.patch("/v1/agency", SHOP, format="json", HTTP_IDEMPOTENCY_KEY="k1"),
    ],
    ids=["body", "path", "method"],
)
def test_write_with_used_key_and_other_body_is_refused(acme: Client, other: Callable[[Client], Any]) -> None:
    post(acme, ACCOUNTS, SHOP, key="k1")

    refused = other(acme)

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert refused["Content-Type"] == "application/problem+json"


def test_write_replay_shows_secret_to_same_principal(acme: Client, rival: Client) -> None:
    endpoint = {"url": "https://hooks.example.com/in"}
    first, again = (post(acme, ENDPOINTS, endpoint, key="k1") for _ in range(2))
    of_rival = post(rival, ENDPOINTS, endpoint, key="k1")

    assert first.json()["secret"] == again.json()["secret"] != of_rival.json()["secret"]
    with context.agency(acme.agency.pk):
        assert first.json()["secret"].encode() not in b"".join(
            bytes(record.encrypted) for record in IdempotencyRecord.objects.all()
        )


def test_write_replay_is_hidden_from_other_key(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="second key", now=NOON)
    post(acme, ACCOUNTS, SHOP, key="k1")

    other = post(Client(acme.agency, text), ACCOUNTS, SHOP, key="k1")

    assert (other.status_code, other.json()["type"]) == (409, "/problems/account-exists")


def test_write_replay_is_refused_for_revoked_key(acme: Client) -> None:
    post(acme, ACCOUNTS, SHOP, key="k1")
    with context.agency(acme.agency.pk):
        key = ApiKey.objects.get(agency=acme.agency)
        key_secrets.revoke(key=key, now=NOON)

    assert post(acme, ACCOUNTS, SHOP, key="k1").status_code == 401


def test_write_refused_can_be_repeated_with_key(acme: Client) -> None:
    refused = post(acme, ACCOUNTS, SHOP | {"home_marketplace": "XY"}, key="k1")

    taken = post(acme, ACCOUNTS, SHOP, key="k1")

    assert (refused.status_code, taken.status_code) == (400, 201)


def test_write_in_conflict_can_be_repeated_with_key(acme: Client) -> None:
    first = acme.take_on(partner=SHOP["selling_partner_id"])
    refused = post(acme, ACCOUNTS, SHOP, key="k1")
    acme.delete(f"{ACCOUNTS}/{first}")

    assert (refused.status_code, post(acme, ACCOUNTS, SHOP, key="k1").status_code) == (409, 201)


def test_write_replay_without_body_has_no_content_type(acme: Client, shop: str) -> None:
    first, again = (acme.delete(f"{ACCOUNTS}/{shop}", HTTP_IDEMPOTENCY_KEY="k1") for _ in range(2))
    without = acme.delete(f"{ACCOUNTS}/{shop}")

    assert summarize(first) == summarize(again) == (204, b"", "")
    assert "Content-Type" not in again
    assert without.status_code == 404


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ", "\x7f", "a\tb"])
def test_idempotency_key_has_1_to_255_visible_characters(acme: Client, key: str) -> None:
    refused = acme.post(ACCOUNTS, SHOP, format="json", HTTP_IDEMPOTENCY_KEY=key)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/Idempotency-Key")
    assert acme.read(ACCOUNTS)["data"] == []


@pytest.mark.parametrize("key", ["!", "~" * 255, '"a-string"', "018f-7a"])
def test_idempotency_key_accepts_visible_ascii(acme: Client, key: str) -> None:
    assert [post(acme, ACCOUNTS, SHOP, key=key).status_code for _ in range(2)] == [201, 201]


def test_idempotency_key_is_ignored_for_reads(acme: Client, shop: str) -> None:
    responses = [acme.get(path, HTTP_IDEMPOTENCY_KEY="k1") for path in (ACCOUNTS, f"{ACCOUNTS}/{shop}")]

    assert [(answer.status_code, "Idempotency-Replayed" in answer) for answer in responses] == [
        (200, False)
    ] * 2


def upload(client: Client, shop: str, document: bytes, **fields: str) -> Any:
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {client.key}", HTTP_IDEMPOTENCY_KEY="k1")
    return client.send(shop, document, **fields)


def test_upload_fingerprint_covers_file_and_fields(firm: Client) -> None:
    shop, document = firm.take_on(), build.orders_file([build.order_row()])
    first, again = (upload(firm, shop, document) for _ in range(2))
    others = [upload(firm, shop, document + b"\n"), upload(firm, shop, document, marketplace="CA")]

    assert summarize(first) == summarize(again)
    assert (first.status_code, first.json()["duplicate"], again["Idempotency-Replayed"]) == (
        202,
        False,
        "true",
    )
    assert [other.status_code for other in others] == [422, 422]


def test_upload_without_key_is_detected_by_content(acme: Client, shop: str) -> None:
    document = build.orders_file([build.order_row()])
    first, again = acme.send(shop, document), acme.send(shop, document)

    assert (first.status_code, again.status_code, again.json()["duplicate"]) == (202, 200, True)


def test_upload_refused_can_be_corrected_with_same_key(firm: Client) -> None:
    shop, document = firm.take_on(), build.orders_file([build.order_row()])

    assert upload(firm, shop, document, marketplace="XY").status_code == 400
    assert upload(firm, shop, document).status_code == 202


def at_once(ask: Callable[[], Any], *, times: int) -> list[Any]:
    """Call the function in several threads, each with its own connection, and return the results."""
    barrier = threading.Barrier(times)

    def one(_: int) -> Any:
        barrier.wait()
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def test_concurrent_writes_with_key_run_once(firm: Client) -> None:
    responses = at_once(lambda: post(Client(firm.agency, firm.key), ACCOUNTS, SHOP, key="k1"), times=6)

    assert {summarize(answer) for answer in responses} == {summarize(responses[0])}
    assert responses[0].status_code == 201
    assert [answer.get("Idempotency-Replayed") for answer in responses].count(None) == 1
    with context.agency(firm.agency.pk):
        assert SellerAccount.objects.count() == 1


def test_concurrent_uploads_with_key_run_once(firm: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, sent = firm.take_on(), []
    monkeypatch.setattr("ingestion.tasks.load_report.delay", lambda **named: sent.append(named))
    document = build.orders_file([build.order_row()])

    answers = at_once(lambda: upload(Client(firm.agency, firm.key), shop, document), times=4)

    assert {summarize(answer) for answer in answers} == {summarize(answers[0])}
    assert answers[0].status_code == 202
    assert len(sent) == 1
    with context.agency(firm.agency.pk):
        assert Report.objects.count() == 1


def test_concurrent_write_timeout_answers_in_flight(firm: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "TIMEOUT", timedelta(milliseconds=200))
    with context.agency(firm.agency.pk):
        principal = key_secrets.authenticate(text=firm.key, now=NOON)
        idempotency.claim(principal=principal, key="k1", fingerprint=b"a" * 32, now=NOON)
        (waited,) = at_once(lambda: post(Client(firm.agency, firm.key), ACCOUNTS, SHOP, key="k1"), times=1)
        idempotency.release(principal=principal, key="k1")

    after = post(firm, ACCOUNTS, SHOP, key="k1")

    assert (waited.status_code, waited.json()["type"], waited["Retry-After"]) == (
        409,
        "/problems/in-flight",
        "1",
    )
    assert after.status_code == 201


ASK = """
import sys, django
django.setup()
from accounts.models import Agency
from tests.client import Client
asked = {"HTTP_IDEMPOTENCY_KEY": "k1", "HTTP_HOST": "localhost"}
answer = Client(Agency(), sys.argv[1]).post("/v1/accounts", {body}, format="json", **asked)
print(answer.status_code, answer.content.decode())
"""


def test_concurrent_processes_with_key_run_once(firm: Client) -> None:
    command = [sys.executable, "-c", ASK.replace("{body}", repr(SHOP)), firm.key]
    run = partial(subprocess.Popen, command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True)

    answers = [process.communicate(timeout=600)[0] for process in [run(), run()]]

    assert answers[0] == answers[1]
    assert answers[0].startswith("201 ")


def child(act: Callable[[], Any]) -> int:
    """Run an action in a process of its own, and return the signal that ended it, or 0."""
    connections.close_all()
    if (process := os.fork()) == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def killed_before(statement: int, act: Callable[[], Any]) -> None:
    """Run an action that is killed before the statement with that number."""
    left = iter(range(statement))

    def cut_connection(execute: Callable[..., Any], *args: Any) -> Any:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*args)

    with connection.execute_wrapper(cut_connection):
        act()


def accounts_of(client: Client) -> int:
    with context.agency(client.agency.pk):
        return SellerAccount.objects.count()


def test_killed_process_leaves_write_and_response_or_neither(firm: Client) -> None:
    ask, statement, ended, before = partial(post, firm, ACCOUNTS, SHOP, key="k1"), 0, -signal.SIGKILL, set()
    while ended:
        ended = child(partial(killed_before, statement, ask))
        before.add((ended, accounts_of(firm)))
        statement += 1

    again = ask()

    assert statement > 8
    assert before == {(-signal.SIGKILL, 0), (0, 1)}
    assert (again.status_code, again["Idempotency-Replayed"], accounts_of(firm)) == (201, "true", 1)


def test_killed_process_after_commit_has_replayable_response(firm: Client) -> None:
    def exit_after_commit(execute: Callable[..., Any], *args: Any) -> Any:
        if connection.in_atomic_block and not connection.run_on_commit:
            transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        return execute(*args)

    def send_and_exit() -> None:
        with connection.execute_wrapper(exit_after_commit):
            post(firm, ACCOUNTS, SHOP, key="k1")

    ended = child(send_and_exit)

    again = post(firm, ACCOUNTS, SHOP, key="k1")
    assert (ended, again.status_code, again["Idempotency-Replayed"], accounts_of(firm)) == (
        -signal.SIGKILL,
        201,
        "true",
        1,
    )


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("patch", "/v1/accounts/{shop}", {"name": "New"}),
    ("delete", "/v1/accounts/{shop}", {}),
    ("patch", "/v1/agency", {"name": "New"}),
    ("put", "/v1/thresholds/{threshold}", {"warn_at": 0.1}),
    ("delete", "/v1/thresholds/{threshold}", {}),
    ("patch", "/v1/webhook-endpoints/{endpoint}", {"description": "New"}),
    ("delete", "/v1/webhook-endpoints/{endpoint}", {}),
]


@pytest.fixture
def resources(acme: Client, shop: str) -> dict[str, str]:
    threshold = acme.put("/v1/thresholds", {"metric": "return_rate", "warn_at": 0.2}, format="json").json()
    return {"shop": shop, "threshold": threshold["id"], "endpoint": acme.listen()["id"]}


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=str)
def test_if_match_of_old_etag_is_refused(
    acme: Client, resources: dict[str, str], method: str, path: str, body: dict[str, Any]
) -> None:
    where = path.format_map(resources)
    change = partial(getattr(acme, method), where, body, format="json")
    read = acme.get(where)["ETag"]

    refused = change(HTTP_IF_MATCH='"another"')
    unchanged = acme.get(where)["ETag"]
    done = change(HTTP_IF_MATCH=f'"another", {read}')

    assert (refused.status_code, refused.json()["type"]) == (412, "/problems/precondition-failed")
    assert unchanged == read
    assert done.status_code in {200, 204}


@pytest.mark.parametrize("shape", ["W/{}", "*", "{}"])
def test_if_match_accepts_weak_and_listed_etags(acme: Client, shop: str, shape: str) -> None:
    tag = acme.get(f"/v1/accounts/{shop}")["ETag"]

    changed = acme.patch(
        f"/v1/accounts/{shop}", {"name": "New"}, format="json", HTTP_IF_MATCH=shape.format(tag)
    )

    assert changed.status_code == 200


def test_if_match_of_missing_resource_is_not_found(acme: Client) -> None:
    nowhere = "/v1/accounts/acct_" + "0" * 32

    assert acme.patch(nowhere, {"name": "x"}, format="json", HTTP_IF_MATCH='"x"').status_code == 404


def test_if_match_lets_one_of_two_concurrent_changes_pass(firm: Client) -> None:
    shop = firm.take_on()
    read = firm.get(f"/v1/accounts/{shop}")["ETag"]
    names = iter(["a", "b", "c", "d"])

    def change() -> int:
        one = Client(firm.agency, firm.key)
        response = one.patch(f"/v1/accounts/{shop}", {"name": next(names)}, format="json", HTTP_IF_MATCH=read)
        return int(response.status_code)

    assert sorted(at_once(change, times=4)) == [200, 412, 412, 412]


def test_idempotency_replay_precedes_if_match(acme: Client, shop: str) -> None:
    tag = acme.get(f"/v1/accounts/{shop}")["ETag"]
    headers: dict[str, Any] = {"HTTP_IF_MATCH": tag, "HTTP_IDEMPOTENCY_KEY": "k1"}

    responses = [
        acme.patch(f"/v1/accounts/{shop}", {"name": "New"}, format="json", **headers) for _ in range(2)
    ]

    assert [answer.status_code for answer in responses] == [200, 200]
    assert (
        acme.patch(f"/v1/accounts/{shop}", {"name": "N"}, format="json", HTTP_IF_MATCH=tag).status_code == 412
    )
