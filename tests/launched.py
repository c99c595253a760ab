"""Run `python -m config.launcher.up` as a user does, and talk to what it started."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from config.launcher import product
from config.launcher.embedded.ports import LOOPBACK

SENDER = "Acme <underone@acme.example>"
COMMAND = [sys.executable, "-m", "config.launcher.up"]


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def environment(home: Path, port: int | str) -> dict[str, str]:
    """Return the environment of a shell that sets UNDERONE_HOME and the sender of e-mails only."""
    plain = {name: value for name, value in os.environ.items() if name not in product.VARIABLES}
    return plain | {"UNDERONE_HOME": str(home), "PORT": str(port), "EMAIL_FROM": SENDER}


@dataclass
class Running:
    """Manage a launcher of one home, and the processes seen below it."""

    launcher: subprocess.Popen[str]
    home: Path
    port: int
    family: set[psutil.Process] = field(default_factory=set)

    def get(self, path: str) -> tuple[int, Any]:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def printed_until(self, text: str) -> str:
        """Return the output up to a line with `text`, or up to its end."""
        assert self.launcher.stdout
        printed = ""
        for line in self.launcher.stdout:
            printed += line
            if text in line:
                break
        self.family |= set(psutil.Process(self.launcher.pid).children(recursive=True))
        return printed

    def stop(self, number: signal.Signals = signal.SIGINT) -> str:
        """Send a signal; returns the rest of what it printed."""
        self.launcher.send_signal(number)
        return self.launcher.communicate(timeout=600)[0]

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def survivors(self) -> list[str]:
        _, alive = psutil.wait_procs(self.family, timeout=1)
        return [process.name() for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def started(home: Path, port: int, **more: str) -> Iterator[Running]:
    """Start a launcher with these additional variables, and stop it after the block."""
    launcher = subprocess.Popen(
        COMMAND,
        cwd=settings.BASE_DIR,
        env=environment(home, port) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Running(launcher, home, port)
    try:
        yield running
    finally:
        if launcher.poll() is None:
            launcher.terminate()
            launcher.communicate(timeout=600)


def run_command(words: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` as a user of that shell does, and return what it printed."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
