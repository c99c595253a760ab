"""Measure the peak memory of a worker that loads a million rows, above its memory when idle."""

import resource
import sys
import tempfile
from pathlib import Path

import django

import bench
from bench import documents

ROWS = 1_000_000
GOAL = 300.0


def main() -> None:
    with bench.product(), tempfile.TemporaryDirectory() as folder:
        django.setup()
        path = Path(folder) / "orders.txt"
        documents.orders(path, rows=ROWS)
        small = Path(folder) / "few.txt"
        documents.orders(small, rows=100)
        # A first load imports what a worker imports once, which is no memory of the rows.
        _work(small, "IDLE")
        idle = _peak()
        _work(path, "MILLION")
        above = _peak() - idle
        bench.show(
            measure="MB of a worker above idle while it loads a million rows / MB allowed",
            own=above,
            reference=GOAL,
            ratio=above / GOAL,
            goal=f"<= {GOAL:.0f} MB",
            meets=above <= GOAL,
        )


def _work(path: Path, partner: str) -> None:
    from bench.product import create_report, work  # noqa: PLC0415  Django is set up only now

    work(create_report(path, partner=partner))


def _peak() -> float:
    """Return the peak memory of this process in megabytes (getrusage: kilobytes on Linux, bytes on macOS)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1024**2
    )


if __name__ == "__main__":
    main()
