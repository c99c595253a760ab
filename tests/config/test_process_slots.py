"""Test slots of processes: never shared, reused after the end of a process, and as few as possible."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from config.observability.process_slots import ProcessSlots

pytestmark = pytest.mark.usefixtures("servers")

SIT = """
import os, sys
from pathlib import Path
from config.observability.process_slots import ProcessSlots
seats = ProcessSlots(folder=Path(sys.argv[1]))
print(seats.current(), flush=True)
for command in sys.stdin:
    if command.strip() == "fork":
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, seats.current().encode())
            os.read(0, 1)
            os._exit(0)
        print(os.read(reader, 10).decode(), flush=True)
"""


class SlotHolder:
    """Manage a process with a slot."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SIT, str(folder)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.seat = self.process.stdout.readline().strip()

    def fork(self) -> str:
        """Return the slot of a forked child."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("fork\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def holding_slot(folder: Path) -> Iterator[SlotHolder]:
    sitter = SlotHolder(folder)
    try:
        yield sitter
    finally:
        sitter.end()


def test_first_process_keeps_first_slot(tmp_path: Path) -> None:
    seats = ProcessSlots(folder=tmp_path / "meters")

    assert [seats.current(), seats.current()] == ["0", "0"]


def test_processes_have_different_slots(tmp_path: Path) -> None:
    with holding_slot(tmp_path) as first, holding_slot(tmp_path) as second:
        own = ProcessSlots(folder=tmp_path).current()

        assert [first.seat, second.seat, own] == ["0", "1", "2"]


def test_slot_of_killed_process_is_reused(tmp_path: Path) -> None:
    with holding_slot(tmp_path) as first, holding_slot(tmp_path) as second:
        first.end()
        with holding_slot(tmp_path) as third:
            assert (first.seat, second.seat, third.seat) == ("0", "1", "0")


def test_successive_processes_use_one_slot(tmp_path: Path) -> None:
    for _ in range(5):
        with holding_slot(tmp_path) as one:
            assert one.seat == "0"

    assert [file.name for file in tmp_path.iterdir()] == ["slot-0.lock"]


def test_forked_child_has_own_slot(tmp_path: Path) -> None:
    with holding_slot(tmp_path) as parent:
        child = parent.fork()

        with holding_slot(tmp_path) as other:
            assert (parent.seat, child, other.seat) == ("0", "1", "2")
