"""Test that the uploads of one agency delay neither the documents of another nor e-mails."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import httpx
import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.people import users
from accounts.people.users import Profile
from tests import build
from tests.client import Client
from tests.fakes.mail_server import Server
from tests.installation import Installation, installed, wait_until

BIG, SMALL = 40, 160
"""Uploads of 8,000 and of 50 rows that wait."""


class Caller:
    """Call the API over the network with a key."""

    def __init__(self, installation: Installation, client: Client) -> None:
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{installation.port}",
            headers={"Authorization": f"Bearer {client.key}", "Host": "localhost"},
            timeout=60,
        )

    def create_account(self, partner: str) -> str:
        body = {"name": partner, "selling_partner_id": partner, "home_marketplace": "US"}
        return str(self.http.post("/v1/accounts", json=body).json()["id"])

    def upload(self, account: str, document: bytes) -> str:
        response = self.http.post(f"/v1/accounts/{account}/reports", files={"file": ("orders.txt", document)})
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def status(self, report: str) -> str:
        return str(self.http.get(f"/v1/reports/{report}").json()["status"])

    def seconds_to_load(self, account: str, order: int) -> float:
        """Return how long a document of one row takes from its upload until it is loaded."""
        document = build.orders_file(build.orders_on(build.days_ago(30), count=1, first=order))
        began = time.monotonic()
        report = self.upload(account, document)
        wait_until(lambda: self.status(report) == "loaded", seconds=120, every=0.02)
        return time.monotonic() - began


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_uploads_of_one_agency_delay_neither_another_nor_sign_in_codes(
    committed_db: None, real_clock: None, stack: ExitStack, tmp_path: Path
) -> None:
    hoarder, other = (
        Client(*agencies.create_agency(name=name, now=timezone.now())) for name in ("Hoarder", "Other")
    )
    users.get_or_create(
        email="jane@other.example", profile=Profile(name="Jane", password=None), now=timezone.now()
    )
    mails = stack.enter_context(Server())
    Thread(target=mails.serve_forever, daemon=True).start()
    stack.callback(mails.shutdown)
    url = f"smtp://127.0.0.1:{mails.server_address[1]}"
    installation = stack.enter_context(
        installed(place=tmp_path / "home", EMAIL_URL=url, EMAIL_FROM="underone@agency.example")
    )
    hoarding, calling = (Caller(installation, client) for client in (hoarder, other))
    for caller in (hoarding, calling):
        stack.enter_context(caller.http)
    account = calling.create_account("A1OTHER")
    idle = max(calling.seconds_to_load(account, n) for n in (1, 2, 3))
    accounts = [hoarding.create_account(f"A{n}HOARD") for n in range(8)]
    reports = [
        hoarding.upload(
            accounts[n % 8],
            build.orders_file(
                build.orders_on(build.days_ago(30), count=8000 if n < BIG else 50, first=8000 * n + 1)
            ),
        )
        for n in range(BIG + SMALL)
    ]

    busy = calling.seconds_to_load(account, 4)
    asked_at = time.monotonic()
    answer = calling.http.post("/v1/auth/code", json={"email": "jane@other.example"})
    wait_until(lambda: bool(mails.got), seconds=60, every=0.02)
    code_seconds = time.monotonic() - asked_at

    assert answer.status_code < 300, answer.text
    ((recipients, _),) = mails.got
    waiting = sum(hoarding.status(report) == "queued" for report in reports)
    print(f"idle {idle:.2f} s, busy {busy:.2f} s, code {code_seconds:.2f} s, {waiting} waiting")  # noqa: T201
    assert waiting > (BIG + SMALL) // 2
    assert busy <= 5 * idle
    assert recipients == ["jane@other.example"]
    assert code_seconds < 2
