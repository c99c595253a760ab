"""Schemathesis asks a running server everything that its document allows and forbids: no failure, nothing undocumented, no 5xx.

`make test` asks a little, with a fixed seed; `make fuzz` much (FUZZ_EXAMPLES an operation), with a seed that it prints.
"""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts import agencies
from tests.contract.serving import Served, run, serving

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
SEED = os.environ.get("FUZZ_SEED", "5")
THE_END = "closeAgency"


@pytest.fixture
def served(committed_db: None, tmp_path: Path) -> Iterator[Served]:
    with serving(place=tmp_path / "home") as server:
        yield server


def configuration(served: Served, key: str) -> str:
    """Who asks, the one id that no operation makes, for breaches come of orders, and a key to revoke that does not ask itself."""
    return "\n".join(
        [
            "[headers]",
            f"Authorization = {json.dumps(f'Bearer {key}')}",
            "[parameters]",
            f"breach_id = {json.dumps(served.has.breach_id)}",
            f"key_id = {json.dumps(served.has.key_id)}",
            "[cache]",
            "enabled = false",
        ]
    )


def ask(served: Served, *options: str, key: str, folder: Path) -> None:
    """Let schemathesis ask, with all of its checks."""
    (folder / "schemathesis.toml").write_text(configuration(served, key))
    schemathesis = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file=schemathesis.toml",
        "run",
        served.document,
    ]
    amount = [f"--max-examples={EXAMPLES or 2}", f"--seed={SEED}", "--continue-on-failure", "--no-color", "--workers=2"]

    answer = run([*schemathesis, *amount, *options], folder=folder, seconds=3600)

    if EXAMPLES:
        sys.stdout.write(answer.stdout[-3000:])
    assert answer.returncode == 0, answer.stdout[-30_000:]


def test_the_server_keeps_its_document(served: Served, tmp_path: Path) -> None:
    """Everything but the one operation after which nothing is answered any more; then that one, of another agency."""
    _, of_another = agencies.open_agency(name="Another", now=datetime.now(UTC))

    ask(served, f"--exclude-operation-id={THE_END}", key=served.key, folder=tmp_path)
    still = served.client.get("/v1/me").status_code
    ask(served, f"--include-operation-id={THE_END}", "--phases=examples,coverage,fuzzing", key=of_another, folder=tmp_path)

    assert still == 200, "the key that asked was revoked on the way: what came afterwards was asked in vain"
