"""Clients that three generators make of the document, without a word changed, are typed strictly and speak
with a server.

openapi-python-client's own `client.py` hands `*args: object` on to httpx, in every package that it makes: of
that one file mypy is not asked about arguments. Everything that comes of our document is checked strictly.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.serving import Served, serving
from tests.verifying import NODE, install_for_npm

pytestmark = pytest.mark.usefixtures("servers")

TESTS = Path(__file__).parent.parent
FOLDER, DOCUMENT = TESTS / "clients", TESTS.parent / "docs" / "openapi.json"
BIN = Path(sys.executable).parent
MYPY = "[mypy]\nstrict = true\n[mypy-underone_client.client]\ndisable_error_code = arg-type\n"
MAX_LINES = 75
CASTS_AND_GUARDS = re.compile(r"\bas\b|\btypeof\b|\binstanceof\b|\bany\b|\w!|@ts-|<unknown>")
STRING_OR_OBJECT = re.compile(r"\bstring \| \{|\} \| string\b")
GENERATORS = {
    "openapi-typescript": [
        "openapi-typescript",
        "openapi.json",
        "--output=generated/openapi-typescript.ts",
        "--default-non-nullable=false",
    ],
    "hey-api": [
        "openapi-ts",
        "--input=openapi.json",
        "--output=generated/hey-api",
        "--client=@hey-api/client-fetch",
    ],
}


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both TypeScript clients, generated and compiled."""
    place = install_for_npm(tmp_path_factory.mktemp("clients"), folder=FOLDER)
    shutil.copy(DOCUMENT, place)
    (place / "generated").mkdir()
    for command in GENERATORS.values():
        output = run_command(place, [str(place / "node_modules" / ".bin" / command[0]), *command[1:]])
        assert "warn" not in output.lower(), output
    run_command(place, [str(place / "node_modules" / ".bin" / "tsc"), "--project", "."])
    return place


@pytest.fixture
def served(committed_db: None, real_clock: None, tmp_path: Path) -> Iterator[Served]:
    with serving(place=tmp_path / "home") as server:
        yield server


def run_command(place: Path, command: list[str], **environ: str) -> str:
    """What a command prints; it must end well."""
    path = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    answer = subprocess.run(
        command,
        cwd=place,
        env=os.environ | path | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert answer.returncode == 0, (answer.stdout + answer.stderr)[-10_000:]
    return answer.stdout + answer.stderr


def run_program(served: Served, place: Path, command: list[str]) -> str:
    """What a client says of the server; printed, for `make clients`."""
    output = run_command(
        place, command, UNDERONE_URL=served.url, UNDERONE_KEY=served.key, PYTHONPATH=str(place)
    )
    sys.stdout.write(output)
    return output


@pytest.mark.parametrize("name", GENERATORS)
def test_program_in_typescript_has_no_cast_and_no_guard(name: str) -> None:
    program = (FOLDER / f"{name}.ts").read_text()

    assert CASTS_AND_GUARDS.findall(program) == []
    assert len(program.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("name", GENERATORS)
def test_responses_have_types(npm: Path, name: str) -> None:
    """A list that could also be CSV would be `string | {…}`."""
    generated = npm / "generated" / name
    sources = generated.rglob("*.ts") if generated.is_dir() else [generated.with_suffix(".ts")]

    assert [each for source in sources for each in STRING_OR_OBJECT.findall(source.read_text())] == []


def test_programs_in_typescript_print_data_of_server(npm: Path, served: Served) -> None:
    for name in GENERATORS:
        drawn = run_program(served, npm, [str(NODE), f"built/{name}.js"])

        assert "Order Defect Rate: " in drawn
        assert re.search(r"^. Shop of contract [ ▁▂▃▄▅▆▇█]{90}$", drawn, re.MULTILINE)
        assert re.search(r"^✗ 20\d\d-\d\d-\d\d \d{3}-\d{7}-\d{7} \w+: .+", drawn, re.MULTILINE)
        assert re.search(rf"^{name}: ep_[0-9a-f]{{32}}$", drawn, re.MULTILINE)


def test_client_in_python_calls_server(served: Served, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "python_client.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    generate = [
        "generate",
        f"--path={DOCUMENT}",
        f"--config={FOLDER / 'python_client.yaml'}",
        "--output-path=underone_client",
        "--meta=none",
    ]

    generated = run_command(tmp_path, [str(BIN / "openapi-python-client"), *generate])
    run_command(tmp_path, [str(BIN / "mypy"), "underone_client", "python_client.py"])
    output = run_program(served, tmp_path, [sys.executable, "python_client.py"])

    assert "warning" not in generated.lower(), generated
    assert output.startswith("openapi-python-client: Shop of contract, ")
    assert output.rpartition(", ")[2].startswith("ep_")
