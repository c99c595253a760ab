"""Start and stop the processes of one home.

Each runs in a session of its own. They stop in reverse order, and the next launcher stops those that a killed
launcher left running.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.launcher.embedded.home import Home
from config.launcher.embedded.privileges import Identity

OWN_IDENTITY, ROOT = Identity(), Path("/")
PAUSE = 0.05  # seconds between two checks of a process
# Lines of a log that usually hold the reason.
TAIL = 20


class StopRequested(SystemExit):
    """Raise when the user pressed Ctrl-C, or the system sent a signal to stop."""


class ProcessFailed(SystemExit):
    """Raise when a process ended, or was not ready in time. The message includes the tail of its log."""


@dataclass(frozen=True)
class Child:
    """Store a running process and the path of its log."""

    name: str
    process: subprocess.Popen[bytes]
    gentle: signal.Signals
    # Seconds to finish its work after that signal.
    patience: float
    log: Path

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None


class Processes:
    """Manage every process started for a home. Leaving the `with` block stops them all, the latest first."""

    def __init__(self, *, home: Home) -> None:
        self.home = home
        self._children: list[Child] = []
        self._stop_requested = False
        self._stop_leftovers()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        while self._children:
            self.stop(self._children[-1])

    def start(
        self,
        *,
        name: str,
        command: Sequence[str | Path],
        environ: Mapping[str, str],
        identity: Identity = OWN_IDENTITY,
        gentle: signal.Signals = signal.SIGTERM,
        patience: float = 20,
        folder: Path = ROOT,
    ) -> Child:
        """Start `command` in a session of its own, from `folder`.

        `gentle` is the signal that makes it finish its work and exit. It is killed after `patience` seconds.
        """

        log = self.home.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                user=identity.uid,
                group=identity.gid,
                extra_groups=identity.groups,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches all processes of a terminal's session; these are
                # stopped by the launcher, in order.
                start_new_session=True,
            )
        child = Child(name=name, process=process, gentle=gentle, patience=patience, log=log)
        self._children.append(child)
        self._store_running()
        return child

    def stop(self, child: Child) -> None:
        """Stop `child` gently, then kill the rest of its session."""
        if not child.ended:
            child.process.send_signal(child.gentle)
        _wait(until=lambda: child.ended, seconds=child.patience)
        _kill_session(child.process.pid)
        child.process.wait()
        self._children.remove(child)
        self._store_running()

    def wait_for(self, child: Child, *, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until `ready()` is true. Raises ProcessFailed after the timeout, and the errors of `watch`."""

        deadline = time.monotonic() + seconds
        while not ready():
            self.watch()
            if time.monotonic() > deadline:
                raise ProcessFailed(self.reason(child))
            time.sleep(PAUSE)

    def run(
        self, *, name: str, command: Sequence[str | Path], environ: Mapping[str, str], folder: Path
    ) -> None:
        """Run `command` to its end. Raises ProcessFailed when it fails."""
        child = self.start(name=name, command=command, environ=environ, folder=folder)
        while not child.ended:
            if self._stop_requested:
                raise StopRequested
            time.sleep(PAUSE)
        if child.process.returncode != 0:
            raise ProcessFailed(self.reason(child))
        self.stop(child)

    def watch(self) -> None:
        """Raise ProcessFailed if a child ended by itself, and StopRequested if a signal to stop was received."""
        if self._stop_requested:
            raise StopRequested
        if (child := next((child for child in self._children if child.ended), None)) is not None:
            raise ProcessFailed(self.reason(child))

    def request_stop(self, *_: object) -> None:
        """Handle a signal to stop."""
        # Only a flag: an exception here could lose a child that was started and is not in the list yet.
        self._stop_requested = True

    def reason(self, child: Child) -> str:
        """Return why `child` failed, with the last lines of its log."""
        what = (
            f"ended with code {child.process.returncode}" if child.ended else "did not become ready in time"
        )
        return f"{child.name} {what}. The last lines of {child.log}:\n{tail(child.log)}"

    def _store_running(self) -> None:
        """Store the running processes, so that the next launcher can stop those of a killed one."""
        descriptions = [_description(child) for child in self._children if not child.ended]
        self.home.store_value("processes", descriptions)

    def _stop_leftovers(self) -> None:
        """Stop the processes that a killed launcher left running.

        This launcher now has the lock of the home.
        """

        for description in reversed(self.home.read_value("processes") or []):
            _stop_leftover(description)
        self.home.store_value("processes", [])


def tail(log: Path) -> str:
    """Return the last lines of `log`, indented."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    return "\n".join(f"  {line}" for line in lines)


def _description(child: Child) -> dict[str, object]:
    created = psutil.Process(child.process.pid).create_time()
    return {"name": child.name, "pid": child.process.pid, "created": created, "gentle": child.gentle}


def _stop_leftover(description: Mapping[str, int]) -> None:
    """Stop the described process and its session, unless another process has its ID by now."""
    if _is_running(description):
        os.kill(description["pid"], description["gentle"])
        _wait(until=lambda: not _is_running(description), seconds=20)
    elif psutil.pid_exists(description["pid"]):
        return
    _kill_session(description["pid"])


def _is_running(description: Mapping[str, float]) -> bool:
    """Return whether the described process still runs."""

    # Another process can have its ID by now, but then it started at another time. Start times are compared
    # with a tolerance, because setting the clock moves them.
    try:
        process = psutil.Process(int(description["pid"]))
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and bool(abs(process.create_time() - description["created"]) < 30)
    except psutil.NoSuchProcess:
        return False


def _kill_session(leader: int) -> None:
    """Kill every process of the session that `leader` opened, and wait until they are gone."""
    # Pool processes can outlive the leader.
    _wait(until=lambda: not _kill_running(leader), seconds=20)


def _kill_running(leader: int) -> list[int]:
    """Kill the processes of the session that still run, and return their IDs."""
    killed = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return killed


def _wait(*, until: Callable[[], bool], seconds: float) -> None:
    """Wait until `until()` is true, at most for `seconds`."""
    deadline = time.monotonic() + seconds
    while not until() and time.monotonic() < deadline:
        time.sleep(PAUSE)
