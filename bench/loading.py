"""Measure rows a second from a stored file to committed numbers, against COPY of the same rows into the same table.

The reference writes rows that are already parsed, checked and in COPY's format, with one command, as the tables'
owner and without row-level security: the best that PostgreSQL can do with these keys. The product parses the file,
stages, records, counts, computes values and judges them.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import django
import psycopg

import bench
from bench import documents

ROWS = 300_000
ROUNDS = 3
GOAL = 0.5

SAME_TABLE = """
DROP TABLE IF EXISTS same_table;
CREATE TABLE same_table (LIKE metrics_order INCLUDING ALL);
ALTER TABLE same_table ADD FOREIGN KEY (agency_id, account_id) REFERENCES accounts_selleraccount (agency_id, id);
"""


def main() -> None:
    with bench.product(), tempfile.TemporaryDirectory() as folder:
        django.setup()
        path = Path(folder) / "orders.txt"
        documents.orders(path, rows=ROWS)
        own, reference = [], []
        for n in range(ROUNDS):
            account, seconds = _load(path, n)
            own.append(ROWS / seconds)
            reference.append(ROWS / _copy(account))
        ratio = statistics.median(one / other for one, other in zip(own, reference, strict=True))
        bench.show(
            measure="rows a second, file to committed numbers / raw COPY into the same keyed table",
            own=statistics.median(own),
            reference=statistics.median(reference),
            ratio=ratio,
            goal=f">= {GOAL}",
            meets=ratio >= GOAL,
        )


def _load(path: Path, n: int) -> tuple[Any, float]:
    """Return the seconds that a worker needs for the file, for a new account."""
    from bench.product import create_report, work  # noqa: PLC0415  Django is set up only now

    report = create_report(path, partner=f"BENCH{n}")
    began = time.perf_counter()
    work(report)
    return report.account_id, time.perf_counter() - began


def _copy(account: Any) -> float:
    """Return the seconds that COPY needs for the rows that `_load` recorded."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        # Even the owner sees no row without a tenant context.
        connection.execute("ALTER TABLE metrics_order NO FORCE ROW LEVEL SECURITY")
        with connection.cursor().copy(
            "COPY (SELECT * FROM metrics_order WHERE account_id = %s) TO STDOUT", [account]
        ) as copy:
            rows = b"".join(bytes(block) for block in copy)
        connection.execute("ALTER TABLE metrics_order FORCE ROW LEVEL SECURITY")
        connection.execute(SAME_TABLE)
        # Before the clock starts, so that writing the table's definition is not measured.
        connection.commit()
        began = time.perf_counter()
        with connection.cursor().copy("COPY same_table FROM STDIN") as copy:
            for start in range(0, len(rows), 1 << 16):
                copy.write(rows[start : start + (1 << 16)])
        connection.commit()
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
