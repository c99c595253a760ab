"""Test `.ci/run`: its last line is the summary of the tests, and its exit code is that of the tests.

`make` and the programs that install servers are fakes, so nothing is installed.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

SCRIPT = Path(settings.BASE_DIR) / ".ci" / "run"
MAKE = """#!/bin/sh
echo "make $1" >> calls
case "$1" in
    lint) echo "all clean"; exit {lint} ;;
    test) cat "{summary}"; exit {test} ;;
esac
"""
APT = """#!/bin/sh
echo "apt-get $*" >> calls
exit {apt}
"""
DPKG = """#!/bin/sh
echo "installed nginx"
echo "not-installed pgbouncer"
exit 1
"""


def run(
    folder: Path, summary: str, *, lint: int = 0, test: int = 0, apt: int = 0, user: int = 1000
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script with fake programs as the user with this number, and return its result and their calls."""
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci" / "run")
    (folder / "summary").write_text(summary)
    programs = {
        "make": MAKE.format(lint=lint, test=test, summary=folder / "summary"),
        "apt-get": APT.format(apt=apt),
        "dpkg-query": DPKG,
        "id": f"#!/bin/sh\necho {user}\n",
    }
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environ = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    result = subprocess.run(
        [folder / ".ci" / "run"], env=environ, cwd="/", capture_output=True, text=True, check=False
    )
    return result, (folder / "calls").read_text().splitlines()


def test_script_is_executable_and_valid() -> None:
    assert os.access(SCRIPT, os.X_OK)
    assert SCRIPT.read_text().startswith("#!/usr/bin/env bash\n")
    assert subprocess.run([shutil.which("bash") or "bash", "-n", SCRIPT], check=False).returncode == 0


@pytest.mark.parametrize(
    "summary",
    [
        "137 passed in 13.77s",
        "===== 137 passed, 2 skipped in 61.02s (0:01:01) =====",
        "================== 1 passed, 1 warning in 0.10s ==================",
    ],
)
def test_script_prints_summary_last(tmp_path: Path, summary: str) -> None:
    result, calls = run(tmp_path, f"....\n{summary}\n")

    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == summary
    assert calls == ["make lint", "make test"]


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        ("3 failed, 134 passed in 13.77s", 2),
        ("=== 1 error in 0.31s ===", 2),
        ("== 2 failed, 1 passed, 4 errors in 9.00s ==", 1),
    ],
)
def test_script_fails_with_tests_and_prints_summary_last(tmp_path: Path, summary: str, code: int) -> None:
    result, _ = run(tmp_path, f"FAILED tests/x.py::test_y - 1 passed in my head\n{summary}\n", test=code)

    assert result.returncode == code
    assert result.stdout.splitlines()[-1] == summary


def test_script_runs_no_tests_if_lint_fails(tmp_path: Path) -> None:
    result, calls = run(tmp_path, "1 passed in 0.01s\n", lint=1)

    assert result.returncode == 1
    assert calls == ["make lint"]
    assert result.stdout.splitlines()[-1] == "make lint failed: the reason is above."


def test_script_fails_if_tests_do_not_start(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "the servers did not come up\n", test=1)

    assert result.returncode == 1
    assert "make test failed: the reason is above." in result.stdout


def test_script_installs_missing_servers_as_root(tmp_path: Path) -> None:
    _, calls = run(tmp_path, "1 passed in 0.01s\n", user=0)

    options = "--yes --no-install-recommends"
    assert calls == [
        "apt-get update",
        f"apt-get install {options} pgbouncer",
        f"apt-get install {options} rabbitmq-server",
        "make lint",
        "make test",
    ]


def test_script_runs_tests_if_nothing_can_be_installed(tmp_path: Path) -> None:
    result, calls = run(tmp_path, "1 passed in 0.01s\n", user=0, apt=100)

    assert result.returncode == 0
    assert calls[-2:] == ["make lint", "make test"]
    assert "pgbouncer cannot be installed. Its tests are skipped.\n" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 passed in 0.01s"


def test_script_leaves_no_files(tmp_path: Path) -> None:
    run(tmp_path, "1 passed in 0.01s\n")

    assert {path.name for path in tmp_path.iterdir()} == {
        *(".ci", "summary", "calls"),
        *("make", "apt-get", "dpkg-query", "id"),
    }
