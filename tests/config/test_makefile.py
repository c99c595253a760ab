"""Test the Makefile: every target is explained and installs its requirements."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
MAKE = shutil.which("make") or "make"
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)[0].split()


def make(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MAKEFLAGS", "MAKELEVEL", "ARGS", "PYTHON"}
    }
    return subprocess.run(
        [MAKE, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Copy the repository without installed packages."""
    for name in ("Makefile", "requirements-embedded.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_targets_print_their_commands(target: str) -> None:
    result = make("--dry-run", target)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "help"])
def test_help_explains_each_target(target: str) -> None:
    (line,) = (line for line in make("help").stdout.splitlines() if line.split()[:2] == ["make", target])

    assert len(line.split()) > 3


def test_help_is_default_and_complete() -> None:
    plain = make()

    assert plain.stdout == make("help").stdout
    assert {line.split()[1] for line in plain.stdout.splitlines()} == set(TARGETS) - {"help"}


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "help"])
def test_targets_install_their_requirements(elsewhere: Path, target: str) -> None:
    result = make("--dry-run", target, folder=elsewhere)

    assert result.returncode == 0
    assert "python3 -m venv .venv" in result.stdout
    assert re.search(r"pip install .*--require-hashes .*-r requirements-(embedded|dev)\.lock", result.stdout)


@pytest.mark.parametrize(
    ("target", "lock"), [("up", "embedded"), ("demo", "embedded"), ("smoke", "embedded"), ("test", "dev")]
)
def test_demo_installs_no_development_tools(elsewhere: Path, target: str, lock: str) -> None:
    locks = set(
        re.findall(r"-r requirements-(\w+)\.lock", make("--dry-run", target, folder=elsewhere).stdout)
    )

    assert locks == {lock}


def test_missing_python_is_explained(elsewhere: Path) -> None:
    result = make("PYTHON=no-such-python", "up", folder=elsewhere)

    assert result.returncode != 0
    assert "Underone needs Python 3.11 or newer, and there is no no-such-python." in result.stdout
    assert not (elsewhere / ".venv").exists()


def test_old_python_is_explained(elsewhere: Path) -> None:
    old = elsewhere / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    result = make(f"PYTHON={old}", "up", folder=elsewhere)

    assert result.returncode != 0
    assert f"{old} is older. Try: make PYTHON=python3.11" in result.stdout
    assert not (elsewhere / ".venv").exists()


def test_types_are_checked_in_every_package() -> None:
    packages = re.findall(r"^PACKAGES := (.*)$", MAKEFILE, flags=re.MULTILINE)[0].split()

    assert sorted(packages) == sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def test_lint_checks_style_types_imports_migrations_and_document() -> None:
    commands = make("--dry-run", "lint").stdout

    for word in (
        "ruff check",
        "ruff format --check",
        "mypy --strict",
        "lint-imports",
        "makemigrations --check",
        "openapi.json",
    ):
        assert word in commands


def test_static_checks_have_no_server() -> None:
    commands = make("--dry-run", "lint").stdout

    assert set(re.findall(r"(?:@|//)([\w.]+):(\d+)/", commands)) == {("127.0.0.1", "1")}


def test_arguments_for_pytest_are_passed() -> None:
    assert make("--dry-run", "test", "ARGS=-k wall").stdout.strip().endswith(" -k wall")
