"""The processes of one home: each in its own session, stopped in order, found again after their launcher was
killed."""

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

OURSELVES, ROOT = Identity(), Path("/")
PAUSE = 0.05  # seconds between two looks at a process
TAIL = 20  # lines of a log that usually hold the reason


class AskedToStop(SystemExit):
    """Somebody pressed Ctrl-C, or the system asks us to go."""


class ProcessFailed(SystemExit):
    """A process ended, or did not come up in time; the sentence carries the tail of its log."""


@dataclass(frozen=True)
class Child:
    """One running process and the log it writes."""

    name: str
    process: subprocess.Popen[bytes]
    gentle: signal.Signals
    log: Path

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None


class Processes:
    """Every process started for a home. Leaving the `with` block stops them all, the latest first."""

    def __init__(self, *, home: Home) -> None:
        self.home = home
        self._children: list[Child] = []
        self._asked_to_stop = False
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
        identity: Identity = OURSELVES,
        gentle: signal.Signals = signal.SIGTERM,
        folder: Path = ROOT,
    ) -> Child:
        """Start `command` in a session of its own, from `folder`; `gentle` is the signal that asks it to
        finish."""

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
                start_new_session=True,
            )
        child = Child(name=name, process=process, gentle=gentle, log=log)
        self._children.append(child)
        self._remember()
        return child

    def stop(self, child: Child) -> None:
        """Ask `child` to finish, then insist; nothing of its session is left when this returns."""
        if not child.ended:
            child.process.send_signal(child.gentle)
        _wait(until=lambda: child.ended, seconds=20)
        _kill_session(child.process.pid)
        child.process.wait()
        self._children.remove(child)
        self._remember()

    def wait_for(self, child: Child, *, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Return as soon as `ready()` holds. Raises what `watch` raises, and ProcessFailed when the time is
        over."""

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
            if self._asked_to_stop:
                raise AskedToStop
            time.sleep(PAUSE)
        if child.process.returncode != 0:
            raise ProcessFailed(self.reason(child))
        self.stop(child)

    def watch(self) -> None:
        """Raises ProcessFailed when a child ended by itself, and AskedToStop when a signal asked for that."""
        if self._asked_to_stop:
            raise AskedToStop
        if (child := next((child for child in self._children if child.ended), None)) is not None:
            raise ProcessFailed(self.reason(child))

    def ask_to_stop(self, *_: object) -> None:
        """A signal handler: it only notes the wish, so that no child is lost between its start and our
        list."""
        self._asked_to_stop = True

    def reason(self, child: Child) -> str:
        """What happened to `child`, with the last lines of its log."""
        what = (
            f"ended with code {child.process.returncode}" if child.ended else "did not become ready in time"
        )
        return f"{child.name} {what}. The last lines of {child.log}:\n{tail(child.log)}"

    def _remember(self) -> None:
        """Keep who runs, so that the next launcher can stop what a killed one left behind."""
        described = [_description(child) for child in self._children if not child.ended]
        self.home.remember("processes", described)

    def _stop_leftovers(self) -> None:
        """Stop what a killed launcher left: the home is ours now, so whatever still runs for it has no
        master."""

        for described in reversed(self.home.recall("processes") or []):
            _end(described)
        self.home.remember("processes", [])


def tail(log: Path) -> str:
    """The last lines of `log`, indented."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    return "\n".join(f"  {line}" for line in lines)


def _description(child: Child) -> dict[str, object]:
    created = psutil.Process(child.process.pid).create_time()
    return {"name": child.name, "pid": child.process.pid, "created": created, "gentle": child.gentle}


def _end(described: Mapping[str, int]) -> None:
    """Stop the described process and its session. A number that another process bears by now is left
    alone."""
    if _is_running(described):
        os.kill(described["pid"], described["gentle"])
        _wait(until=lambda: not _is_running(described), seconds=20)
    elif psutil.pid_exists(described["pid"]):
        return
    _kill_session(described["pid"])


def _is_running(described: Mapping[str, float]) -> bool:
    """Whether the very process still runs: a number may have passed on to another, which started at another
    time.

    The clock may have been set since, which moves every start time a little.
    """

    try:
        process = psutil.Process(int(described["pid"]))
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and bool(abs(process.create_time() - described["created"]) < 30)
    except psutil.NoSuchProcess:
        return False


def _kill_session(leader: int) -> None:
    """End every process of the session that `leader` opened, and see them gone; a pool child may have
    outlived it."""

    _wait(until=lambda: not _killed(leader), seconds=20)


def _killed(leader: int) -> list[int]:
    """The processes of the session that still ran and were told to go at once, which takes them a moment."""
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
    """Return when `until()` holds or the time is over, whichever comes first."""
    deadline = time.monotonic() + seconds
    while not until() and time.monotonic() < deadline:
        time.sleep(PAUSE)
