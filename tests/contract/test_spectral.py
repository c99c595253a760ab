"""Test the document with Spectral's recommended rules and those of OWASP. Disabled rules have a reason."""

import json
import shutil
from pathlib import Path

import pytest

from tests.contract.serving import run
from tests.verifying import NPM, install_for_npm

pytestmark = pytest.mark.usefixtures("servers")

TESTS = Path(__file__).parent.parent
DOCUMENT = TESTS.parent / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def spectral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = install_for_npm(tmp_path_factory.mktemp("spectral"), folder=TESTS / "spectral")
    shutil.copy(DOCUMENT, place)
    return place


def test_document_satisfies_rules(spectral: Path) -> None:
    result = run([str(NPM), "run", "--silent", "lint", "--", "openapi.json"], folder=spectral, seconds=120)

    assert result.returncode == 0, result.stdout[-10_000:]


def test_rules_find_violations(spectral: Path) -> None:
    # Some paths are enough: all of them take four times as long.
    document = json.loads(DOCUMENT.read_text())
    document["paths"] = dict(sorted(document["paths"].items())[:8])
    wrong = json.dumps(document).replace('"maxLength"', '"longest"').replace('"429"', '"428"')
    (spectral / "wrong.json").write_text(wrong)

    result = run([str(NPM), "run", "--silent", "lint", "--", "wrong.json"], folder=spectral, seconds=120)

    assert result.returncode != 0
    assert "owasp:api4:2023-string-limit" in result.stdout
    assert "owasp:api4:2023-rate-limit-responses-429" in result.stdout
