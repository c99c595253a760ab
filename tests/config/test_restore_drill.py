"""Test a whole restore: back up a running product, destroy it, restore it elsewhere, and get the same answers."""

import base64
import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from config.launcher.client import Client
from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import LOOPBACK
from tests import build
from tests.launched import environment, free_port, run_command, started
from tests.webhooks import receiver_process
from tests.webhooks.receiver_process import Receiver

pytestmark = pytest.mark.usefixtures("servers")

READY = "Press Ctrl-C to stop"
OTHER_KEY = f"1:{base64.b64encode(bytes(32)).decode()}"
# Changed by the requests themselves.
VOLATILE = {"last_used_at", "request_id"}
METRICS = ("order_defect_rate", "valid_tracking_rate", "on_time_delivery_rate", "return_rate")
# Rights and policies, which a restore must not widen. Constraints are compared by their effects.
RIGHTS = """
SELECT 'table', relname::text, relacl::text, relrowsecurity::text, relforcerowsecurity::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v')
UNION ALL SELECT 'policy', tablename || '.' || policyname, roles::text, qual, with_check FROM pg_policies
UNION ALL SELECT 'function', proname::text, proacl::text, prosecdef::text, proconfig::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'default', defaclobjtype::text, defaclacl::text, '', '' FROM pg_default_acl
ORDER BY 1, 2
"""


@dataclass
class Before:
    """Store what was observed before the first product was destroyed."""

    key: str
    secret: str
    endpoint: str
    variables: dict[str, str]
    answers: dict[str, tuple[int, Any]]
    rights: list[tuple[str, ...]]
    printed: str
    backup: Path


def variables_of(home: Path) -> dict[str, str]:
    words = shlex.split((home / "environment").read_text())
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def rights_of(home: Path) -> list[tuple[str, ...]]:
    with psycopg.connect(variables_of(home)["DATABASE_BACKUP_URL"]) as connection:
        return connection.execute(RIGHTS).fetchall()


def answer(port: int, key: str, path: str) -> tuple[int, Any]:
    connection = HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}", "Host": "localhost"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    is_json = "json" in (response.getheader("Content-Type") or "")
    return response.status, without_volatile(json.loads(body)) if is_json else body


def without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_volatile(part) for name, part in value.items() if name not in VOLATILE}
    return [without_volatile(part) for part in value] if isinstance(value, list) else value


def load(client: Client, account: str, name: str, content: bytes) -> None:
    report = client.upload(f"/v1/accounts/{account}/reports", name=name, content=content)
    deadline = time.monotonic() + 120
    while client.get(f"/v1/reports/{report['id']}")["status"] in {"queued", "processing"}:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def fill(client: Client, receiver: Receiver) -> dict[str, Any]:
    """Create accounts, reports with good and rejected rows, a breach, a threshold and an endpoint."""
    endpoint: dict[str, Any] = client.post("/v1/webhook-endpoints", {"url": receiver.url("ok/hook")})
    ordered = datetime.now(UTC) - timedelta(days=30)
    for number in range(3):
        fields = {"name": f"Shop {number}", "selling_partner_id": f"A{number}SHOP", "home_marketplace": "US"}
        account = client.post("/v1/accounts", fields)["id"]
        load(client, account, "orders.txt", build.orders_file(build.orders_on(ordered, count=20 + number)))
        load(client, account, "claims.csv", build.claims_file([build.claim(order=build.order_id(3))]))
        load(client, account, "no.csv", f"what,is,this\n{number},2,3\n".encode())
    return endpoint


def paths_of(client: Client, endpoint: str) -> list[str]:
    """Return at least fifty paths whose answers describe the data."""
    accounts = [account["id"] for account in client.get("/v1/accounts")["data"]]
    paths = [
        *("/v1/me", "/v1/agency", "/v1/accounts", "/v1/portfolio", "/v1/breaches", "/v1/events"),
        *("/v1/event-types", "/v1/document-kinds", "/v1/rules", "/v1/thresholds", "/v1/api-keys"),
        *("/v1/audit-log", "/v1/members", "/v1/invitations", "/v1/exports", "/v1/webhook-endpoints"),
        *(f"/v1/webhook-endpoints/{endpoint}", f"/v1/webhook-endpoints/{endpoint}/deliveries"),
    ]
    for account in accounts:
        reports = [report["id"] for report in client.get(f"/v1/accounts/{account}/reports")["data"]]
        of_account = f"/v1/accounts/{account}"
        paths += [of_account, f"{of_account}/metrics", f"{of_account}/reports", f"{of_account}/snapshots"]
        paths += [f"{of_account}/unmatched-defects"]
        paths += [f"{of_account}/metrics/{metric}/history" for metric in METRICS]
        paths += [f"{of_account}/metrics/order_defect_rate/orders"]
        for report in reports:
            paths += [f"/v1/reports/{report}{part}" for part in ("", "/rejected-rows", "/document")]
    paths += [f"/v1/breaches/{breach['id']}" for breach in client.get("/v1/breaches")["data"]]
    return paths


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiver_process.running() as one:
        yield one


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Before:
    """Fill a product, record its answers, back it up while it runs, and destroy it."""
    place = tmp_path_factory.mktemp("first")
    home, port = place / "home", free_port()
    with started(home, port, WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as running:
        running.printed_until(READY)
        opened = run_command(["open_agency", "Acme", "--json"], environment(home, port))
        key = str(json.loads(opened.stdout)["key"])
        client = Client(port=port, key=key)
        endpoint = fill(client, receiver)
        wait_until_delivered(client, endpoint["id"])
        paths = paths_of(client, endpoint["id"])
        answers = {path: answer(port, key, path) for path in paths}
        backup = run_command(["backup", str(place / "backup")], environment(home, port))
        assert backup.returncode == 0, backup.stderr
        observed = Before(
            key=key,
            secret=str(endpoint["secret"]),
            endpoint=str(endpoint["id"]),
            variables=variables_of(home),
            answers=answers,
            rights=rights_of(home),
            printed=backup.stdout + backup.stderr,
            backup=place / "backup",
        )
        running.stop()
    Home(folder=home).discard()
    assert not home.exists()
    return observed


def wait_until_delivered(client: Client, endpoint: str) -> None:
    """Wait until no delivery changes any more."""
    deadline = time.monotonic() + 60
    while True:
        states = {
            delivery["state"]
            for delivery in client.get(f"/v1/webhook-endpoints/{endpoint}/deliveries")["data"]
        }
        if states == {"delivered"} or time.monotonic() > deadline:
            return
        time.sleep(0.5)


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("second") / "home"
    yield home
    if home.exists():
        Home(folder=home).discard()


def restore(home: Path, backup: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return run_command(["restore", str(backup)], environment(home, free_port()) | more)


def keys_of(before: Before) -> dict[str, str]:
    return {name: before.variables[name] for name in ("SECRETS_KEYS", "SECRET_KEY")}


def test_backup_has_no_key_and_is_private(before: Before) -> None:
    keys = [before.variables[name] for name in ("SECRETS_KEYS", "SECRET_KEY")]
    secrets = [secret.encode() for secret in (*keys, keys[0].partition(":")[2], before.secret, before.key)]

    contents = [path.read_bytes() for path in before.backup.rglob("*") if path.is_file()]

    assert [secret for secret in secrets if any(secret in content for content in contents)] == []
    assert [path for path in before.backup.rglob("*") if path.stat().st_mode & 0o077] == []
    assert [secret for secret in secrets if secret in before.printed.encode()] == []


def test_restore_without_keys_names_them(before: Before, new_home: Path) -> None:
    refused = restore(new_home, before.backup)

    assert refused.returncode == 1
    assert "Set SECRETS_KEYS to the keys it was encrypted with, numbers 1." in refused.stderr
    assert not new_home.exists()


def test_restore_with_wrong_key_is_refused_by_name(before: Before, new_home: Path) -> None:
    refused = restore(new_home, before.backup, SECRETS_KEYS=OTHER_KEY)

    assert refused.returncode == 1
    assert "SECRETS_KEYS: key 1 is not the key this backup was encrypted with." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not new_home.exists()


@pytest.fixture(scope="module")
def restored(before: Before, new_home: Path) -> subprocess.CompletedProcess[str]:
    return restore(new_home, before.backup, **keys_of(before))


def test_start_with_wrong_key_is_refused_by_name(
    restored: subprocess.CompletedProcess[str], new_home: Path
) -> None:
    assert restored.returncode == 0, restored.stderr

    with started(new_home, free_port(), SECRETS_KEYS=OTHER_KEY) as running:
        printed = running.printed_until(READY)
        running.launcher.communicate(timeout=120)

    assert running.launcher.returncode == 1
    assert "SECRETS_KEYS: key 1 is not the key this database was encrypted with." in printed
    assert OTHER_KEY.partition(":")[2] not in printed


def test_restored_product_gives_same_answers_and_signs_with_same_secret(
    restored: subprocess.CompletedProcess[str], before: Before, new_home: Path, receiver: Receiver
) -> None:
    assert restored.returncode == 0, restored.stderr
    port = free_port()

    # Without keys in the environment: the restore has stored them in the home.
    with started(new_home, port, WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as running:
        running.printed_until(READY)
        answers = {path: answer(port, before.key, path) for path in before.answers}
        rights = rights_of(new_home)
        already = len(receiver.received("ok/hook"))
        Client(port=port, key=before.key).post(f"/v1/webhook-endpoints/{before.endpoint}/test", {})
        requests = wait_for_request(receiver, already)
        running.stop()

    assert len(answers) >= 50
    assert {path: one for path, one in answers.items() if one != before.answers[path]} == {}
    assert {status for status, _ in answers.values()} <= {200}
    assert rights == before.rights
    sent = requests[-1]
    Webhook(before.secret).verify(sent["body"], sent["headers"])


def wait_for_request(receiver: Receiver, already: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while len(requests := receiver.received("ok/hook")) <= already:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return requests


def test_restore_into_used_home_is_refused(
    restored: subprocess.CompletedProcess[str], before: Before, new_home: Path
) -> None:
    refused = restore(new_home, before.backup, **keys_of(before))

    assert refused.returncode == 1
    assert "The database is not empty. Restore into a new, empty database." in refused.stderr


@pytest.mark.parametrize("name", ["database.dump", "documents.jsonl", "documents", "manifest.json"])
def test_damaged_backup_is_refused_and_leaves_target_empty(
    before: Before, tmp_path: Path, servers: Any, name: str
) -> None:
    damaged = tmp_path / "backup"
    shutil.copytree(before.backup, damaged)
    path = damaged / name
    file = path if path.is_file() else next(each for each in sorted(path.rglob("*")) if each.is_file())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    home = tmp_path / "home"
    refused = restore(home, damaged, **keys_of(before))

    assert refused.returncode == 1
    assert "The backup was not restored." in refused.stderr
    assert "Traceback" not in refused.stderr
    if home.exists():
        assert not any((home / "documents").rglob("*"))
        Home(folder=home).discard()


def test_backup_of_stopped_product_explains(before: Before, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "environment").write_text(
        "\n".join(f"{name}={shlex.quote(value)}" for name, value in before.variables.items())
    )

    refused = run_command(["backup", str(tmp_path / "backup")], environment(home, free_port()))

    assert refused.returncode == 1
    assert "No backup was written." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
