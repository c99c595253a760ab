"""Test that results do not depend on the day or the length of the run."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests import clock

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path for folder in ("tests", "bench", "config/launcher/demo") for path in (ROOT / folder).rglob("*.py")
)
CLOCKS = {"now", "today", "utcnow", "time_ns", "monotonic", "days_ago"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def reads_of_a_clock_at_import(node: ast.AST) -> Iterator[int]:
    """Yield each line that reads a clock when the module is imported, in a decorator or a default value
    too."""
    for child in ast.iter_child_nodes(node):
        body = getattr(node, "body", None) if isinstance(node, FUNCTIONS) else None
        if child is body or (isinstance(body, list) and child in body):
            continue
        if isinstance(child, ast.Call) and is_clock(child.func):
            yield child.lineno
        yield from reads_of_a_clock_at_import(child)


def is_clock(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in CLOCKS or ast.unparse(function) == "time.time"


def test_modules_read_no_clock_at_import() -> None:
    reads = {
        str(path.relative_to(ROOT)): list(reads_of_a_clock_at_import(ast.parse(path.read_text())))
        for path in MODULES
    }

    assert len(reads) > 100
    assert {name: lines for name, lines in reads.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("NOW = datetime.now(UTC)", [1]),
        ("def since(at=timezone.now()):\n    return time.time()", [1]),
        ("@pytest.mark.parametrize('at', [date.today()])\ndef test(at):\n    pass", [1]),
        ("class Story:\n    began = time.time()", [2]),
        ("def began():\n    return datetime.now(UTC)", []),
        ("began = lambda: time.monotonic()", []),
        ("NOON = time(12)", []),
    ],
)
def test_reads_at_import_are_found(source: str, lines: list[int]) -> None:
    assert list(reads_of_a_clock_at_import(ast.parse(source))) == lines


def test_clock_begins_at_the_same_moment() -> None:
    assert clock.NOW <= timezone.now() < clock.NOW + timedelta(minutes=1)


def test_clock_follows_the_machine_when_asked(real_clock: None) -> None:
    assert abs(timezone.now() - clock.machine_now()) < timedelta(minutes=1)


@pytest.mark.parametrize(("before", "waited"), [(19.5, 19.51), (21, None), (0, None)])
def test_clock_of_the_machine_waits_for_midnight(
    monkeypatch: pytest.MonkeyPatch, before: float, waited: float | None
) -> None:
    midnight = clock.NOON + timedelta(hours=12)
    slept: list[float] = []
    monkeypatch.setattr(clock, "machine_now", lambda: midnight - timedelta(seconds=before))
    monkeypatch.setattr("time.sleep", slept.append)

    clock.Clock().follow_machine()

    assert slept == ([] if waited is None else [pytest.approx(waited)])
