import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes, ProcessFailed, StopRequested

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN_CHILD = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = b"x" * 200_000_000  # takes the system a moment to take back
print("ready", flush=True)
time.sleep(60)
"""
PARENT_OF_A_STUBBORN_CHILD = f"""
import subprocess, sys, time
code = {STUBBORN_CHILD!r}
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
KILLED_LAUNCHER = """
import os, sys
from pathlib import Path
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
child = Processes(home=Home(folder=Path(sys.argv[1]))).start(
    name="sleeper", command=[sys.executable, "-c", "import time; time.sleep(60)"], environ=os.environ
)
print(child.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_exit_stops_children_latest_first(home: Home) -> None:
    with Processes(home=home) as processes:
        children = [
            processes.start(name=name, command=SLEEP, environ=os.environ) for name in ("first", "second")
        ]

    assert [child.process.returncode for child in children] == [-signal.SIGTERM, -signal.SIGTERM]
    assert home.read_value("processes") == []


def test_stop_ends_descendants_of_child(processes: Processes) -> None:
    child = processes.start(
        name="parent", command=[sys.executable, "-c", PARENT_OF_A_STUBBORN_CHILD], environ=os.environ
    )
    processes.wait_for(child, ready=lambda: child.log.read_text().strip().isdecimal())
    grandchild = int(child.log.read_text())

    processes.stop(child)

    assert not is_alive(grandchild)


def test_ended_child_is_reported_with_log_tail(processes: Processes) -> None:
    child = processes.start(
        name="worker", command=[sys.executable, "-c", "raise SystemExit('no memory')"], environ={}
    )

    with pytest.raises(ProcessFailed, match=r"(?s)worker ended with code 1.*no memory"):
        processes.wait_for(child, ready=lambda: False)


ONCE = """
import pathlib, sys, time
place = pathlib.Path(sys.argv[1])
if not place.exists():
    place.touch()
    raise SystemExit("no memory")
time.sleep(60)
"""


def test_ended_child_is_restarted_with_reason(processes: Processes, tmp_path: Path) -> None:
    reasons: list[str] = []
    prepared: list[bool] = []
    command = [sys.executable, "-c", ONCE, str(tmp_path / "begun")]
    first = processes.start(name="worker", command=command, environ={}, prepare=lambda: prepared.append(True))
    processes.restart_ended(report=reasons.append)

    first.process.wait()
    processes.watch()
    processes.watch()

    (running,) = processes.home.read_value("processes")
    assert running["pid"] != first.process.pid
    assert is_alive(running["pid"])
    assert prepared == [True]
    assert len(reasons) == 1
    assert re.search(r"(?s)worker ended with code 1.*no memory.*worker starts again\.$", reasons[0])


def test_child_that_ends_too_often_is_given_up(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons: list[str] = []
    monkeypatch.setattr("config.launcher.embedded.restarts.MAX_RESTARTS", 2)
    processes.restart_ended(report=reasons.append)
    processes.start(name="worker", command=[sys.executable, "-c", "raise SystemExit(3)"], environ={})

    def watch_for_long() -> None:
        while True:
            processes.watch()
            time.sleep(0.05)

    with pytest.raises(ProcessFailed, match=r"(?s)worker was restarted .* times .*ended with code 3"):
        watch_for_long()

    assert len(reasons) == 2


def test_reason_has_no_secret(processes: Processes) -> None:
    environ = {
        "SECRET_KEY": "signs-everything",
        "SECRETS_KEYS": "2:bmV3IGtleQ==,1:b2xkIGtleQ==",
        "DATABASE_URL": "postgresql://app:pass%2Fword@127.0.0.1/underone",
    }
    processes.home.store_value("valkey_password", "kept-in-the-home")
    lines = "signs-everything bmV3IGtleQ== b2xkIGtleQ== pass/word pass%2Fword kept-in-the-home 127.0.0.1"
    child = processes.start(
        name="worker", command=[sys.executable, "-c", f"raise SystemExit({lines!r})"], environ=environ
    )

    with pytest.raises(ProcessFailed) as failed:
        processes.wait_for(child, ready=lambda: False)

    assert str(failed.value).endswith("  *** *** *** *** *** *** 127.0.0.1")


def test_log_of_running_child_is_rotated(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.launcher.embedded.log_files.MAX_BYTES", 1000)
    monkeypatch.setattr("config.launcher.embedded.processes.ROTATION_PAUSE", 0)
    code = "import time\nfor n in range(600): print(f'line {n:>20}', flush=True); time.sleep(0.002)"
    child = processes.start(name="worker", command=[sys.executable, "-c", code], environ={})

    while not child.ended:
        with contextlib.suppress(ProcessFailed):
            processes.watch()
        time.sleep(0.01)

    files = sorted(path.name for path in processes.home.logs.iterdir())
    assert files == ["worker.log", "worker.log.1", "worker.log.2", "worker.log.3", "worker.log.4"]
    assert all(path.stat().st_size < 5000 for path in processes.home.logs.iterdir())
    assert "line                  599" in child.log.read_text() + child.log.with_suffix(".log.1").read_text()


def test_failing_command_is_reported(processes: Processes, tmp_path: Path) -> None:
    processes.run(name="fine", command=[sys.executable, "-c", "pass"], environ={}, folder=tmp_path)

    with pytest.raises(ProcessFailed, match="ended with code 3"):
        processes.run(
            name="bad", command=[sys.executable, "-c", "raise SystemExit(3)"], environ={}, folder=tmp_path
        )


def test_signal_is_handled_at_next_watch(processes: Processes) -> None:
    processes.request_stop(signal.SIGTERM, None)

    with pytest.raises(StopRequested):
        processes.watch()


def test_children_of_killed_launcher_are_stopped_at_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    result = subprocess.run(
        [sys.executable, "-c", KILLED_LAUNCHER, str(folder)], capture_output=True, text=True, check=False
    )
    orphan = int(result.stdout)
    assert is_alive(orphan)
    home = Home(folder=folder)

    Processes(home=home)

    assert not is_alive(orphan)
    home.discard()


def test_process_with_reused_id_is_not_stopped(home: Home) -> None:
    other_process = subprocess.Popen(SLEEP, start_new_session=True)
    old = {"name": "web", "pid": other_process.pid, "created": time.time() - 86400, "gentle": signal.SIGTERM}
    home.store_value("processes", [old])

    Processes(home=home)

    assert other_process.poll() is None
    other_process.kill()
    other_process.wait()
