"""Test that libraries of receivers accept every unchanged delivery, also during a rotation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.tenancy import context
from tests import verifying
from tests.verifying import NAMES, Signed
from tests.webhooks.conftest import Sender, work
from tests.webhooks.receiver_process import Receiver
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.events import publishing
from webhooks.events.catalogue import EVENT_TYPES

PATH = "ok/verified"


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return verifying.install_for_npm(tmp_path_factory.mktemp("npm"))


@pytest.fixture
def signed(sender: Sender, receiver: Receiver) -> list[Signed]:
    """Return a delivery of every kind before the rotation of its endpoint's secret, and two after it, by either
    secret."""

    endpoint, before = sender.endpoint(receiver.url(f"{PATH}/{timezone.now().timestamp()}"))
    path = endpoint.url.split("/", 3)[3]
    publish_every_kind(sender)
    work()
    first = received(receiver, path)
    with context.agency(sender.client.agency.pk):
        after = endpoint_secrets.rotate(endpoint=endpoint, now=timezone.now())
    publish_every_kind(sender)
    work()
    second = received(receiver, path)[len(first) :]
    assert len(first) == len(second) == len(EVENT_TYPES)
    return [Signed(before, *each) for each in first] + [
        Signed(secret, *each) for secret in (before, after) for each in second
    ]


def publish_every_kind(sender: Sender) -> None:
    with context.agency(sender.client.agency.pk):
        for kind in EVENT_TYPES:
            publishing.publish(account=sender.account, type_=kind.type, data=kind.example, now=timezone.now())


def received(receiver: Receiver, path: str) -> list[tuple[dict[str, str], str]]:
    return [
        ({name: each["headers"][name] for name in NAMES}, each["body"]) for each in receiver.received(path)
    ]


def changed(delivery: Signed) -> Signed:
    """Return the delivery with one byte of its body changed."""
    return replace(delivery, body=delivery.body.replace("2026", "2025", 1))


def test_python_library_accepts_unchanged_deliveries_only(signed: list[Signed]) -> None:
    assert all(verifying.accepted_by_python(each) for each in signed)
    assert not any(verifying.accepted_by_python(changed(each)) for each in signed)


def test_npm_libraries_accept_unchanged_deliveries_only(signed: list[Signed], npm: Path) -> None:
    both: dict[str, Any] = {"standardwebhooks": True, "svix": True}

    assert verifying.accepted_by_npm(npm, signed) == [both] * len(signed)
    assert verifying.accepted_by_npm(npm, [changed(each) for each in signed]) == [
        dict.fromkeys(both, False)
    ] * len(signed)


def test_delivery_before_rotation_is_not_signed_by_new_secret(signed: list[Signed]) -> None:
    oldest, newest = signed[0], signed[-1]

    assert not verifying.accepted_by_python(replace(oldest, secret=newest.secret))
    assert len(oldest.headers["webhook-signature"].split()) == 1
    assert len(newest.headers["webhook-signature"].split()) == 2
