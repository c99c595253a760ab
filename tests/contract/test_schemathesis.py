"""Schemathesis asks a running server everything that its document allows and forbids: no failure, nothing undocumented, no 5xx.

`make test` asks a little, with a fixed seed; `make fuzz` much (FUZZ_EXAMPLES an operation), with a seed that it prints.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.serving import Served, run, serving

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
SEED = os.environ.get("FUZZ_SEED", "5")


@pytest.fixture
def served(committed_db: None, tmp_path: Path) -> Iterator[Served]:
    with serving(place=tmp_path / "home") as server:
        yield server


def configuration(served: Served) -> str:
    """Who asks, and the one id that no operation makes: breaches come of orders."""
    return "\n".join(
        [
            "[headers]",
            f"Authorization = {json.dumps(f'Bearer {served.key}')}",
            "[parameters]",
            f"breach_id = {json.dumps(served.has.breach_id)}",
            "[cache]",
            "enabled = false",
        ]
    )


def test_the_server_keeps_its_document(served: Served, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(configuration(served))
    schemathesis = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file=schemathesis.toml",
        "run",
        served.document,
    ]
    amount = [f"--max-examples={EXAMPLES or 3}", f"--seed={SEED}", "--continue-on-failure", "--no-color", "--workers=2"]
    report = ["--report=json", f"--report-json-path={tmp_path / 'report.json'}"]

    answer = run([*schemathesis, *amount, *report], folder=tmp_path, seconds=3600)

    if EXAMPLES:
        sys.stdout.write(answer.stdout[-3000:])
    assert answer.returncode == 0, answer.stdout[-30_000:]
    assert served.client.get("/v1/me").status_code == 200, "the run revoked the key that it asked with"
