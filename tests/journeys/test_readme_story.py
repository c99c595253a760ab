"""Test that the commands of README's first hour print what README says, against the whole product."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests.launched import COMMAND, environment, free_port

pytestmark = pytest.mark.usefixtures("servers", "real_clock")

README = (settings.BASE_DIR / "README.md").read_text()
# A worker loads a small report in a second or two, and a busy machine takes longer.
PATIENCE = 60
VARIABLES = {
    "KEY": re.compile(r"(uo_live_\S+)"),
    "ACCOUNT": re.compile(r'"id":"(acct_\w+)"'),
    "SECRET": re.compile(r'"secret":"(whsec_[^"]+)"'),
}
"""The variables that README tells the reader to set, and where their values are printed."""


@dataclass(frozen=True)
class Command:
    """Store a command of README and the output that README shows."""

    line: str
    output: str

    def matches(self, printed: str) -> bool:
        """Return whether the output is that of README, where … stands for any text."""
        # README breaks long lines of JSON.
        shown = self.output.replace("},\n {", "},{")
        pattern = ".*".join(re.escape(part) for part in shown.split("…"))
        return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def commands() -> list[Command]:
    """Return the commands of the console blocks of README, in their order."""
    blocks = re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    parts = [
        part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part.strip()
    ]
    return [Command(*(text.strip() for text in part.split("\n", 1))) for part in parts]


@contextmanager
def started(home: Path, port: int) -> Iterator[None]:
    """Start the product as `make up` does, until it says that it is ready."""
    variables = environment(home, port) | {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    launcher = subprocess.Popen(
        COMMAND,
        cwd=settings.BASE_DIR,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert launcher.stdout
        assert any("Press Ctrl-C" in line for line in launcher.stdout)
        yield
    finally:
        launcher.terminate()
        launcher.communicate(timeout=600)


class Shell:
    """Run commands of README in a folder of its own."""

    def __init__(self, folder: Path, home: Path, *, port: int, receiver_port: int) -> None:
        self._folder, self._receiver_port = folder, receiver_port
        self._variables = environment(home, port) | {"API": f"http://localhost:{port}/v1"}
        (folder / ".venv").symlink_to(sys.prefix)
        for name in ("manage.py", "examples"):
            (folder / name).symlink_to(settings.BASE_DIR / name)

    def start(self, command: Command) -> "subprocess.Popen[str]":
        line = command.line.replace("9100", str(self._receiver_port))
        return subprocess.Popen(
            ["/bin/bash", "-c", f"exec {line}"],
            cwd=self._folder,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: Command) -> str:
        """Run the command until it prints what README says, at most PATIENCE seconds; writes are run once."""
        deadline = time.monotonic() + PATIENCE
        while True:
            printed = (
                self.start(command).communicate(timeout=PATIENCE)[0].replace(str(self._receiver_port), "9100")
            )
            is_read = "--json" not in command.line and "-F" not in command.line
            if command.matches(printed) or not is_read or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        for name, pattern in VARIABLES.items():
            if name not in self._variables and (value := pattern.search(printed)):
                self._variables[name] = value[1]
        return printed


def test_readme_story_prints_what_readme_says(tmp_path: Path) -> None:
    home, folder, port = tmp_path / "home", tmp_path / "shop", free_port()
    folder.mkdir()
    receivers: list[tuple[Command, subprocess.Popen[str]]] = []
    with started(home, port):
        shell = Shell(folder, home, port=port, receiver_port=free_port())
        try:
            for command in commands():
                if "receiver.py" in command.line:
                    receivers.append((command, shell.start(command)))
                    continue
                printed = shell.run(command)
                assert command.matches(printed), f"$ {command.line}\n{printed}"
            ((command, receiver),) = receivers
            assert receiver.stdout
            lines = [next(receiver.stdout).strip() for _ in command.output.splitlines()]
            assert lines[1:] == command.output.splitlines()[1:]
        finally:
            for _, receiver in receivers:
                receiver.terminate()
                receiver.communicate(timeout=60)


def test_readme_story_has_every_step() -> None:
    lines = [command.line for command in commands()]

    assert len(lines) == len(set(lines)) + 1  # the account is read twice
    assert [
        sum(word in line for line in lines) for word in ("-F", "receiver.py", "/breaches", "/orders?")
    ] == [
        4,
        1,
        1,
        1,
    ]
