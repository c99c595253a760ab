"""Start, restart and stop the processes of one home.

Each runs in a session of its own. They stop in reverse order, and the next launcher stops those that a killed
launcher left running. Once `restart_ended` was called, a process that ends by itself is started again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.launcher.embedded import log_files
from config.launcher.embedded.home import Home
from config.launcher.embedded.privileges import Identity
from config.launcher.embedded.restarts import MAX_RESTARTS, WITHIN, RestartLimit

OWN_IDENTITY, ROOT = Identity(), Path("/")
PAUSE = 0.05  # seconds between two checks of a process
ROTATION_PAUSE = 5.0  # seconds between two looks at the sizes of the logs


class StopRequested(SystemExit):
    """Raise when the user pressed Ctrl-C, or the system sent a signal to stop."""


class ProcessFailed(SystemExit):
    """Raise when a process ended, or was not ready in time. The message includes the tail of its log."""


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Program:
    """Describe how to start and stop a process."""

    name: str
    command: Sequence[str | Path]
    environ: Mapping[str, str]
    identity: Identity
    gentle: signal.Signals
    # Seconds to finish its work after that signal.
    patience: float
    folder: Path
    # Called before each restart.
    prepare: Callable[[], None]


@dataclass(frozen=True, eq=False)
class Child:
    """Store a running process and the path of its log."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None


class Processes:
    """Manage every process started for a home. Leaving the `with` block stops them all, the latest first."""

    def __init__(self, *, home: Home) -> None:
        self.home = home
        self._children: list[Child] = []
        self._stop_requested = False
        self._report: Callable[[str], None] | None = None
        self._limit = RestartLimit()
        self._restart_at: dict[Child, float] = {}
        self._rotated_at = 0.0
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
        prepare: Callable[[], None] = _nothing,
    ) -> Child:
        """Start `command` in a session of its own, from `folder`.

        `gentle` is the signal that makes it finish its work and exit. It is killed after `patience` seconds.
        `prepare` is called before each restart.
        """

        child = self._launch(
            Program(
                name=name,
                command=command,
                environ=environ,
                identity=identity,
                gentle=gentle,
                patience=patience,
                folder=folder,
                prepare=prepare,
            )
        )
        self._children.append(child)
        self._store_running()
        return child

    def stop(self, child: Child) -> None:
        """Stop `child` gently, then kill the rest of its session."""
        if not child.ended:
            child.process.send_signal(child.program.gentle)
        _wait(until=lambda: child.ended, seconds=child.program.patience)
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

    def restart_ended(self, *, report: Callable[[str], None]) -> None:
        """From now on, let `watch` start processes again that end by themselves. `report` gets the reason."""
        self._report = report

    def watch(self) -> None:
        """Keep the logs short, and look at every process.

        Raises StopRequested if a signal to stop was received. Raises ProcessFailed if a child ended by itself;
        after `restart_ended`, only if it ended too often.
        """
        if self._stop_requested:
            raise StopRequested
        self._rotate_logs()
        for child in [child for child in self._children if child.ended]:
            if self._report is None:
                raise ProcessFailed(self.reason(child))
            self._restart(child, report=self._report)

    def _restart(self, child: Child, *, report: Callable[[str], None]) -> None:
        """Start the ended child again when its time has come. Raises ProcessFailed if it ended too often."""
        now = time.monotonic()
        if child not in self._restart_at:
            wait = self._limit.seconds_to_wait(child.name, now=now)
            if wait is None:
                raise ProcessFailed(
                    f"{child.name} was restarted {MAX_RESTARTS} times within {WITHIN:.0f} seconds, and ended "
                    f"again.\n{self.reason(child)}"
                )
            self._restart_at[child] = now + wait
            report(f"{self.reason(child)}\n{child.name} starts again{f' in {wait:.0f} s' if wait else ''}.")
        if now >= self._restart_at[child]:
            del self._restart_at[child]
            # Its children may still run, and hold its port or its files.
            _kill_session(child.process.pid)
            child.program.prepare()
            self._children[self._children.index(child)] = self._launch(child.program)
            self._store_running()

    def _launch(self, program: Program) -> Child:
        log = self.home.logs / f"{program.name}.log"
        log_files.rotate(log)
        with log.open("ab") as output:
            process = subprocess.Popen(
                program.command,
                user=program.identity.uid,
                group=program.identity.gid,
                extra_groups=program.identity.groups,
                cwd=program.folder,
                env=dict(program.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches all processes of a terminal's session; these are
                # stopped by the launcher, in order.
                start_new_session=True,
            )
        return Child(program=program, process=process, log=log)

    def _rotate_logs(self) -> None:
        if time.monotonic() - self._rotated_at >= ROTATION_PAUSE:
            self._rotated_at = time.monotonic()
            for child in self._children:
                log_files.rotate(child.log)

    def request_stop(self, *_: object) -> None:
        """Handle a signal to stop."""
        # Only a flag: an exception here could lose a child that was started and is not in the list yet.
        self._stop_requested = True

    def reason(self, child: Child) -> str:
        """Return why `child` failed, with the last lines of its log."""
        what = (
            f"ended with code {child.process.returncode}" if child.ended else "did not become ready in time"
        )
        secrets = log_files.secret_values({**self.home.values(), **child.program.environ})
        lines = log_files.tail(child.log, secrets=secrets)
        return f"{child.name} {what}. The last lines of {child.log}:\n{lines}"

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


def _description(child: Child) -> dict[str, object]:
    created = psutil.Process(child.process.pid).create_time()
    return {"name": child.name, "pid": child.process.pid, "created": created, "gentle": child.program.gentle}


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
