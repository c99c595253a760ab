"""Test that a document is given up when it takes far more CPU time than its size explains."""

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ingestion.parsing import cpu_time
from ingestion.parsing.cpu_time import CpuLimit
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports.documents import DocumentReader
from ingestion.reports.report_type import ParseContext
from tests import build

ROWS = 2_000


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def working(_block: bytes) -> None:
    work(0.01)


def working_rows(number: int) -> Iterator[int]:
    for row in range(number):
        work(0.001)
        yield row


def read(document: bytes, *, max_cpu_seconds: float) -> DocumentReader:
    context = ParseContext(marketplace="US", received_at=datetime(2026, 11, 22, tzinfo=UTC))
    reader = DocumentReader(
        lambda: io.BytesIO(document),
        announced_type="",
        parse_context=context,
        max_bytes=1024**3,
        max_cpu_seconds=max_cpu_seconds,
    )
    for _ in reader.facts():
        pass
    return reader


def test_rows_that_take_too_long_are_given_up() -> None:
    limit = CpuLimit(max_seconds=0.5)
    began = time.thread_time()

    with pytest.raises(RejectedDocument) as rejection:
        list(limit.rows(working_rows(100_000)))

    assert rejection.value.slug == "document-too-slow"
    assert 0.5 <= time.thread_time() - began < 2


def test_blocks_that_take_too_long_are_given_up() -> None:
    limit = CpuLimit(max_seconds=0.1)

    with pytest.raises(RejectedDocument, match="split it by date"):
        list(map(working, limit.blocks([b"x"] * 1000)))


def test_limit_grows_with_the_bytes_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_time, "ALWAYS_ALLOWED", 0)
    small, large = CpuLimit(max_seconds=60), CpuLimit(max_seconds=60)
    assert list(large.blocks([b"x" * cpu_time.MB]))

    work(0.5)

    large.check()
    with pytest.raises(RejectedDocument):
        small.check()


def test_time_asleep_does_not_count() -> None:
    limit = CpuLimit(max_seconds=0.05)

    time.sleep(0.2)

    limit.check()


def test_document_is_given_up_on_cpu_time() -> None:
    document = build.orders_file([build.order_row()] * ROWS)
    assert read(document, max_cpu_seconds=60).read == ROWS

    with pytest.raises(RejectedDocument) as rejection:
        read(document, max_cpu_seconds=0.0001)

    assert rejection.value.problem()["type"] == "/problems/document-too-slow"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(b"\n" * 300_000, id="empty lines"),
        pytest.param(b"\t" * 300_000, id="empty cells"),
        pytest.param(b"x\n" * 30_000, id="short rows"),
        pytest.param((b"x\t" * 900 + b"\n") * 100, id="many cells"),
        pytest.param(b'"' * 300_000 + b"\n", id="quotes"),
    ],
)
def test_unusable_rows_cost_little(rows: bytes) -> None:
    began = time.thread_time()

    read(build.orders_file([build.order_row()]) + rows, max_cpu_seconds=60)

    assert time.thread_time() - began < 4


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"," * 20_000, id="commas"),
        pytest.param(b'"a",' * 5_000, id="quoted cells"),
        pytest.param(b'"a,' * 6_000, id="open quotes"),
        pytest.param(b",".join(b"order %d" % number for number in range(2_000)), id="names"),
    ],
)
def test_header_is_looked_for_in_little_time(line: bytes) -> None:
    began = time.thread_time()

    with pytest.raises(RejectedDocument):
        read((line + b"x\n") * 12, max_cpu_seconds=60)

    assert time.thread_time() - began < 2
