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
TABLES = ("metrics_order", "metrics_orderitem")

SAME_TABLE = """
DROP TABLE IF EXISTS same_table;
CREATE TABLE same_table (LIKE {table} INCLUDING ALL);
ALTER TABLE same_table ADD FOREIGN KEY (agency_id, account_id) REFERENCES accounts_selleraccount (agency_id, id);
"""
BYTES = "SELECT pg_total_relation_size(%s)::float"


def main() -> None:
    with bench.product(), tempfile.TemporaryDirectory() as folder:
        django.setup()
        for with_items in (False, True):
            path = Path(folder) / f"orders-{with_items}.txt"
            documents.orders(path, rows=ROWS, with_items=with_items)
            own, reference = [], []
            for n in range(ROUNDS):
                account, seconds = _load(path, f"BENCH{n}{'WITH' if with_items else 'WITHOUT'}ITEMS")
                own.append(ROWS / seconds)
                reference.append(ROWS / sum(_copy(account, table) for table in TABLES))
            ratio = statistics.median(one / other for one, other in zip(own, reference, strict=True))
            bench.show(
                measure=f"rows a second {'with' if with_items else 'without'} items, file to committed numbers / raw COPY "
                "into the same keyed tables",
                own=statistics.median(own),
                reference=statistics.median(reference),
                ratio=ratio,
                goal=f">= {GOAL}",
                meets=ratio >= GOAL,
            )
        _show_bytes()


def _show_bytes() -> None:
    """Print how many bytes an item needs with its indexes, compared with those of an order."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        orders, items = (
            connection.execute(BYTES, [table]).fetchone()[0] / count  # type: ignore[index]
            for table, count in zip(TABLES, (2 * ROUNDS * ROWS, ROUNDS * ROWS), strict=True)
        )
    bench.show(
        measure="bytes of an item / bytes of an order",
        own=items,
        reference=orders,
        ratio=items / orders,
        goal="<= 1.2",
        meets=items <= 1.2 * orders,
    )


def _load(path: Path, partner: str) -> tuple[Any, float]:
    """Return the seconds that a worker needs for the file, for a new account."""
    from bench.product import create_report, work  # noqa: PLC0415  Django is set up only now

    report = create_report(path, partner=partner)
    began = time.perf_counter()
    work(report)
    return report.account_id, time.perf_counter() - began


def _copy(account: Any, table: str) -> float:
    """Return the seconds that COPY needs for the rows of a table that `_load` recorded."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        # Even the owner sees no row without a tenant context.
        connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        with connection.cursor().copy(
            f"COPY (SELECT * FROM {table} WHERE account_id = %s) TO STDOUT", [account]
        ) as copy:
            rows = b"".join(bytes(block) for block in copy)
        connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        connection.execute(SAME_TABLE.format(table=table))
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
