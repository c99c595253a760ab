"""Test a running server with Schemathesis: no failure, no undocumented response, no 5xx.

`make test` sends few requests with a fixed seed; `make fuzz` sends FUZZ_EXAMPLES for each operation, and linked
requests for FUZZ_SECONDS, with a seed that it prints.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from tests.client import Client
from tests.contract.serving import Served, run, serving

# Its module is not imported here: schemathesis takes a second to import.
HOOKS = Path(__file__).with_name("hooks.py")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
SECONDS = os.environ.get("FUZZ_SECONDS")
SCENARIOS = 30
SEED = os.environ.get("FUZZ_SEED", "5")
THE_END = "closeAgency"
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]
REJECTED = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "429", "5xx"]
"""Schemathesis's own lists, with 412 for an `If-Match` that names another state, which is compared before the body is read."""
EVERYTHING_ELSE = f"--exclude-operation-id={THE_END}"


@pytest.fixture
def served(committed_db: None, real_clock: None, tmp_path: Path) -> Iterator[Served]:
    with serving(place=tmp_path / "home") as server:
        yield server


def configuration(served: Served, client: Client) -> str:
    """Return the configuration with the key, and the one ID that no operation creates."""
    return "\n".join(
        [
            f"hooks = {json.dumps(str(HOOKS))}",
            "[headers]",
            f"Authorization = {json.dumps(f'Bearer {client.key}')}",
            "[parameters]",
            f"breach_id = {json.dumps(served.has.breach_id)}",
            "[checks.positive_data_acceptance]",
            f"expected-statuses = {json.dumps(ACCEPTED)}",
            "[checks.negative_data_rejection]",
            f"expected-statuses = {json.dumps(REJECTED)}",
            "[cache]",
            "enabled = false",
        ]
    )


def ask(served: Served, *options: str, client: Client, folder: Path) -> str:
    """Let schemathesis ask, with all of its checks; what it says at the end."""
    (folder / "schemathesis.toml").write_text(configuration(served, client))
    schemathesis = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file=schemathesis.toml",
        "run",
        served.document,
    ]
    amount = [
        f"--max-examples={EXAMPLES or 2}",
        f"--seed={SEED}",
        "--continue-on-failure",
        "--no-color",
        # On Python 3.11, `ast.parse` in two threads ends now and then in a SystemError.
        "--workers=1",
    ]
    # How often its generator takes another try says nothing of the server.
    amount.append("--suppress-health-check=filter_too_much")
    keys = {"FUZZ_ASKING_KEY": client.read("/v1/me")["bearer"]["id"], "FUZZ_ANOTHER_KEY": served.has.key_id}

    result = run([*schemathesis, *amount, *options], folder=folder, seconds=3600, **keys)

    if EXAMPLES:
        sys.stdout.write(result.stdout[-3000:])
    assert result.returncode == 0, result.stdout[-30_000:]
    return result.stdout


def test_server_conforms_to_document(served: Served, tmp_path: Path) -> None:
    """Test all operations except closing the agency; then that one, with another agency."""

    another = Client(*agencies.create_agency(name="Another", now=timezone.now()))
    alone = "--phases=examples,coverage,fuzzing"

    ask(served, EVERYTHING_ELSE, alone, client=served.client, folder=tmp_path)
    still = served.client.get("/v1/me").status_code
    ask(served, f"--include-operation-id={THE_END}", alone, client=another, folder=tmp_path)

    assert still == 200, "the key that asked was revoked on the way: what came afterwards was asked in vain"


def test_server_conforms_to_document_in_linked_requests(served: Served, tmp_path: Path) -> None:
    """Read, change and delete what was created, and read it again. `make fuzz` continues until its time is over."""

    amount = f"--max-time={SECONDS}" if SECONDS else f"--max-examples={SCENARIOS}"
    output = ask(served, EVERYTHING_ELSE, "--phases=stateful", amount, client=served.client, folder=tmp_path)

    (covered,) = re.findall(r"API Links: +(\d+) covered", output)
    assert int(covered) >= 5
    assert served.client.get("/v1/me").status_code == 200
