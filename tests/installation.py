"""Run a whole installation on the tests' database, whose processes can be killed and started again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from config.launcher import product
from config.launcher.embedded import valkey
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes

PATIENCE = 300  # seconds until a process must have come up


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Member:
    """Represent one process of the installation, in a session of its own, not started yet."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(
        self, *, command: list[str], environ: Mapping[str, str], log: Path, user: int | None = None
    ) -> None:
        self.command, self.environ, self.log, self.user = command, environ, log, user

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=settings.BASE_DIR,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
            )

    def check_running(self) -> None:
        """Raise ChildProcessError with the end of the log when the process has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            end = self.log.read_text()[-3000:]
            raise ChildProcessError(f"{self.command} ended with {self.process.returncode}:\n{end}")

    def kill(self) -> None:
        """Kill the process and its children, as a power cut would."""
        if self.process is not None:
            # It may have ended by itself, and its children with it.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Broker:
    """Run a Valkey for the installation, with its messages on disk."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.processes = Processes(home=home)
        self.url = valkey.start(home=home, processes=self.processes)

    def start(self) -> None:
        """Start again with the same port, password and messages."""
        self.processes = Processes(home=self.home)
        valkey.start(home=self.home, processes=self.processes)

    def kill(self) -> None:
        for described in self.home.read_value("processes") or []:
            os.killpg(described["pid"], signal.SIGKILL)
        self.processes.__exit__()


class Installation:
    """Manage web, workers, scheduler and broker, which can be killed and restarted by name."""

    def __init__(self, *, home: Home, environ: Mapping[str, str]) -> None:
        self.port = free_port()
        self.home = home
        self.broker = Broker(home)
        shared = {**os.environ, "BROKER_URL": self.broker.url, "PORT": str(self.port), **environ}
        self.members: dict[str, Member | Broker] = {
            name: Member(command=command, environ=shared, log=home.logs / f"{name}.log")
            for name, command in product.commands(
                port=self.port, schedule=home.folder / "beat-schedule", environ=shared
            ).items()
        }
        self.members["valkey"] = self.broker

    def start(self) -> None:
        for name, member in self.members.items():
            if name != "valkey":
                member.start()
        wait_until(self.is_healthy)

    def is_healthy(self) -> bool:
        """Return whether the web server responds. Raises ChildProcessError when a process has ended."""
        for member in self.members.values():
            if isinstance(member, Member):
                member.check_running()
        return product.is_healthy(self.port)

    def kill(self, name: str) -> None:
        self.members[name].kill()

    def start_again(self, name: str) -> None:
        self.members[name].start()

    def stop(self) -> None:
        for member in self.members.values():
            member.kill()


@contextmanager
def installed(*, place: Path, **environ: str) -> Iterator[Installation]:
    """Start an installation and stop it when the block ends."""
    home = Home(folder=place)
    installation = Installation(home=home, environ=environ)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()
        home.release()


def wait_until(holds: Callable[[], bool], *, seconds: float = PATIENCE, every: float = 0.1) -> None:
    """Return as soon as it holds. Raises TimeoutError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it does not hold after {seconds} s")
        time.sleep(every)
