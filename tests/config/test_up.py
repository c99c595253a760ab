"""Test `python -m config.launcher.up`: the whole product starts with one command and stops completely."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from api.version import VERSION
from config.launcher import product
from config.launcher.client import Client, UnexpectedResponse
from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import LOOPBACK
from tests import build, stopwatch
from tests.launched import COMMAND, SENDER, Running, environment, free_port, started

pytestmark = pytest.mark.usefixtures("servers")


@dataclass(frozen=True)
class FirstRun:
    """Store what was observed during the first start of a home."""

    printed: str
    farewell: str
    exit_code: int
    healthz: tuple[int, Any]
    readyz: tuple[int, Any]
    names: set[str]
    survivors: list[str]
    second_launcher: subprocess.CompletedProcess[str]
    key: str
    modes: dict[str, int]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("up") / "my home"
    yield folder
    Home(folder=folder).discard()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def first_run(home: Path, port: int) -> FirstRun:
    with started(home, port) as running:
        printed = running.printed_until("Press Ctrl-C to stop")
        return FirstRun(
            printed=printed,
            healthz=running.get("/healthz"),
            readyz=running.get("/readyz"),
            second_launcher=run(environment(home, free_port())),
            key=open_agency_as_printed(printed),
            names={process.name() for process in running.family},
            modes={path.name: path.stat().st_mode & 0o777 for path in home.iterdir()},
            farewell=running.stop(),
            exit_code=running.launcher.returncode,
            survivors=running.survivors(),
        )


def run(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a launcher that is expected to fail at once."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=settings.BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def open_agency_as_printed(printed: str) -> str:
    """Run the printed command, and return the key."""
    command = re.search(r"Key +(.*?) +creates one", printed)
    assert command
    line = command[1].replace("NAME", "'Acme' --json").replace(".venv/bin/python", sys.executable)
    plain = {name: value for name, value in os.environ.items() if name not in product.VARIABLES}
    result = subprocess.run(
        ["/bin/sh", "-c", line], cwd=settings.BASE_DIR, env=plain, capture_output=True, text=True, check=True
    )
    return str(json.loads(result.stdout)["key"])


def test_up_prints_urls_and_key(first_run: FirstRun, home: Path, port: int) -> None:
    assert f"http://localhost:{port}/v1/" in first_run.printed
    assert f"http://localhost:{port}/docs" in first_run.printed
    assert str(home) in first_run.printed
    assert "Traceback" not in first_run.printed


def test_up_is_ready_when_announced(first_run: FirstRun) -> None:
    assert first_run.healthz == (200, {"status": "ok", "version": VERSION})
    assert first_run.readyz == (200, {"database": "ok", "broker": "ok", "keys": "ok", "documents": "ok"})


def test_printed_command_creates_a_key(first_run: FirstRun) -> None:
    assert first_run.key.startswith("uo_live_")


def test_output_has_no_secret(first_run: FirstRun, home: Path) -> None:
    state = json.loads((home / "state.json").read_text())
    secrets = [value for name, value in state.items() if "password" in name or name == "secret_key"]

    assert len(secrets) >= 4
    assert [secret for secret in secrets if str(secret) in first_run.printed + first_run.farewell] == []


def test_environment_names_the_variables_of_the_shell(first_run: FirstRun, home: Path) -> None:
    lines = (home / "environment").read_text().splitlines()

    assert f"EMAIL_FROM='{SENDER}'" in lines
    assert {line.partition("=")[0] for line in lines} >= {
        "DATABASE_URL",
        "BROKER_URL",
        "SECRETS_KEYS",
        "PORT",
    }


def test_files_of_home_are_private(first_run: FirstRun) -> None:
    assert {"environment", "state.json", "logs", "documents", "uploads"} <= set(first_run.modes)
    assert {name for name, mode in first_run.modes.items() if mode & 0o077} <= {
        "servers"
    }  # which servers pass through


def test_second_launcher_on_same_home_is_refused(first_run: FirstRun, home: Path) -> None:
    assert first_run.second_launcher.returncode == 1
    assert f"Underone already runs on {home}" in first_run.second_launcher.stderr
    assert "Traceback" not in first_run.second_launcher.stderr


def test_ctrl_c_stops_launcher_and_all_processes(first_run: FirstRun) -> None:
    assert {"postgres", "valkey-server"} <= first_run.names
    assert first_run.survivors == []
    assert first_run.exit_code == 0
    assert first_run.farewell.strip().endswith("Stopped.")


@pytest.fixture(scope="module")
def second_run(first_run: FirstRun, home: Path, port: int) -> Iterator[Running]:
    """Start the same home again."""
    with started(home, port) as running:
        running.printed_until("Press Ctrl-C to stop")
        yield running


@pytest.fixture
def client(second_run: Running, first_run: FirstRun) -> Client:
    return Client(port=second_run.port, key=first_run.key)


def test_second_start_keeps_agency_and_key(client: Client) -> None:
    assert client.get("/v1/me")["agency"]["name"] == "Acme"


def test_processes_start_in_order_of_dependency(
    second_run: Running,
) -> None:
    state = json.loads((second_run.home / "state.json").read_text())

    assert [process["name"] for process in state["processes"]] == [
        "postgres",
        "valkey",
        "delivery-worker",
        "worker",
        "job-worker",
        "beat",
        "web",
    ]


def test_document_is_loaded_through_web_broker_and_worker(client: Client) -> None:
    fields = {"name": "Shop", "selling_partner_id": "A1SHOP", "home_marketplace": "US"}
    account = client.post("/v1/accounts", fields)["id"]
    document = build.orders_file(build.orders_on(datetime.now(UTC) - timedelta(days=30), count=3))

    report = client.upload(f"/v1/accounts/{account}/reports", name="orders.txt", content=document)
    deadline = time.monotonic() + 20
    while (
        status := client.get(f"/v1/reports/{report['id']}")["status"]
    ) != "loaded" and time.monotonic() < deadline:
        time.sleep(0.1)

    (value,) = client.get(f"/v1/accounts/{account}/metrics", metric="order_defect_rate", channel="mfn")[
        "metrics"
    ]
    assert (status, value["denominator"], value["status"]) == ("loaded", 3, "healthy")
    assert (
        client.upload(f"/v1/accounts/{account}/reports", name="again.txt", content=document)["duplicate"]
        is True
    )


def test_unexpected_response_stops_launcher_with_message(
    second_run: Running,
) -> None:
    unknown = Client(port=second_run.port, key="uo_live_nobody")

    with pytest.raises(
        UnexpectedResponse, match=r"GET /v1/me answered 401: .*The API key or token is unknown"
    ):
        unknown.get("/v1/me")


def process_ids(home: Path) -> dict[str, int]:
    """Return the running processes of the launcher by name."""
    state = json.loads((home / "state.json").read_text())
    return {process["name"]: process["pid"] for process in state["processes"]}


@pytest.mark.parametrize("name", ["worker", "beat", "valkey", "postgres", "web"])
def test_ended_process_is_restarted_with_reason(second_run: Running, client: Client, name: str) -> None:
    before = process_ids(second_run.home)

    os.kill(before[name], signal.SIGKILL)
    printed = second_run.printed_until(f"{name} starts again.")

    assert f"{name} ended with code -9. The last lines of " in printed
    assert "Traceback" not in printed
    wait_until(lambda: process_ids(second_run.home).get(name, before[name]) != before[name])
    wait_until(second_run.is_ready)
    assert client.get("/v1/me")["agency"]["name"] == "Acme"


def test_document_is_loaded_after_every_process_was_restarted(second_run: Running, client: Client) -> None:
    (account, *_) = client.get("/v1/accounts")["data"]
    document = build.orders_file(build.orders_on(datetime.now(UTC) - timedelta(days=31), count=2))

    report = client.upload(f"/v1/accounts/{account['id']}/reports", name="orders.txt", content=document)

    wait_until(lambda: client.get(f"/v1/reports/{report['id']}")["status"] == "loaded")


def test_process_that_ends_again_and_again_stops_the_rest_with_reason(second_run: Running) -> None:
    def kill_again_and_again() -> None:
        while second_run.launcher.poll() is None:
            with contextlib.suppress(KeyError, ProcessLookupError):
                os.kill(process_ids(second_run.home)["delivery-worker"], signal.SIGKILL)
            time.sleep(0.3)

    with ThreadPoolExecutor(1) as killer:
        killer.submit(kill_again_and_again)
        end = second_run.launcher.communicate(timeout=600)[0]

    assert second_run.launcher.returncode == 1
    assert "delivery-worker was restarted 5 times within 60 seconds, and ended again." in end
    assert "delivery-worker ended with code -9. The last lines of " in end
    assert not any(line.startswith("Traceback") for line in end.splitlines())
    assert second_run.survivors() == []


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_port_in_use_is_reported_before_start(tmp_path: Path) -> None:
    with stopwatch.running() as watch, socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        taken = listener.getsockname()[1]

        result = run(environment(tmp_path / "home", taken))

    assert result.returncode == 1
    assert (
        result.stderr
        == f"Port {taken} is already in use. Choose another port: PORT={(taken + 1) % 65536} make up\n"
    )
    assert not (tmp_path / "home" / "servers" / "postgres").exists()
    assert watch.seconds < 15


@pytest.mark.parametrize("word", ["http", "0", "65536", "-1", "80.5"])
def test_invalid_port_is_refused(tmp_path: Path, word: str) -> None:
    result = run(environment(tmp_path / "home", word))

    assert result.returncode == 1
    assert result.stderr == f"PORT must be a number from 1 to 65535, not {word!r}.\n"


def test_owner_url_without_application_url_is_refused(tmp_path: Path) -> None:
    result = run(
        environment(tmp_path / "home", free_port()) | {"DATABASE_OWNER_URL": "postgresql://o:p@db/underone"}
    )

    assert result.returncode == 1
    assert result.stderr.strip().endswith(
        "DATABASE_OWNER_URL is set but DATABASE_URL is not. Set both or neither."
    )


def test_unknown_argument_is_refused(tmp_path: Path) -> None:
    result = run(environment(tmp_path / "home", free_port()), "--demonstration")

    assert result.returncode == 2
    assert "unrecognized arguments" in result.stderr
    assert not (tmp_path / "home").exists()
