"""Verify deliveries with standardwebhooks for Python, and standardwebhooks and svix for npm."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

FOLDER = Path(__file__).parent / "verifiers"
NPM, NODE = shutil.which("npm"), shutil.which("node")
NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Signed:
    """Hold what a receiver gets, and the secret to verify it with."""

    secret: str
    headers: Mapping[str, str]
    body: str


def accepted_by_python(delivery: Signed) -> bool:
    try:
        Webhook(delivery.secret).verify(delivery.body, dict(delivery.headers))
    except WebhookVerificationError:
        return False
    return True


def install_for_npm(place: Path, *, folder: Path = FOLDER) -> Path:
    """Install a folder's npm packages in `place`. Skips the test without npm or its registry."""
    if NPM is None or NODE is None:
        pytest.skip(f"{folder.name} of npm are not tried: node and npm are not on this machine")
    for file in folder.iterdir():
        if file.is_file():
            shutil.copy(file, place)
    result = subprocess.run(
        [NPM, "ci", "--ignore-scripts", "--no-fund", "--no-audit"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if result.returncode != 0:
        pytest.skip(f"{folder.name} of npm are not tried: npm ci failed: {result.stderr[-300:]}")
    return place


def accepted_by_npm(place: Path, deliveries: Sequence[Signed]) -> list[dict[str, bool]]:
    """Return for each delivery which library accepts it."""
    assert NODE is not None
    result = subprocess.run(
        [NODE, "verify.js"],
        cwd=place,
        input=json.dumps([asdict(each) for each in deliveries]),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return list(json.loads(result.stdout))
