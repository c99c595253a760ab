"""Test that a damaged document gives facts that fit the tables or is rejected, and never breaks a worker."""

import gzip
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.marketplaces import CODES, NON_AMAZON
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import (
    REPORT_TYPES,
    UPLOADABLE_NAMES,
    account_health_lists,
    all_orders_xml,
    mfn_returns,
    mfn_returns_xml,
    orders_with_defects,
    performance_v1,
    performance_v2,
)
from ingestion.reports.report_type import ReportType
from metrics.rules import defects
from metrics.rules.facts import (
    Canceller,
    Channel,
    DefectFact,
    Fact,
    ListingFact,
    MessageFact,
    OrderFact,
    OrderStatus,
    ReturnFact,
    ShipmentFact,
)
from tests import build
from tests.ingestion.parsed_documents import parse_document

MUTATIONS = 500  # of each document
SAMPLES = sorted(
    file
    for file in (Path(__file__).parents[2] / "samples").rglob("*.*")
    if file.suffix in {".tsv", ".xml", ".json", ".txt", ".csv", ".gz"}
)
SEVERAL = (
    all_orders_xml.REPORT_TYPE,
    mfn_returns.REPORT_TYPE,
    mfn_returns_xml.REPORT_TYPE,
    orders_with_defects.REPORT_TYPE,
    performance_v1.REPORT_TYPE,
    performance_v2.REPORT_TYPE,
    *account_health_lists.REPORT_TYPES,
)  # whose rows state any number of facts
REASONS = {"", "negative_feedback", "late_answer", "wrong_rejection"}
FIRST_DAY, END_OF_DAYS = date(1995, 7, 1), date(2100, 1, 1)
Mutation = Callable[[bytes, random.Random], bytes]


def longer(report_type: ReportType) -> bytes:
    """Repeat the example of a report type a dozen times, each time with other orders."""
    head, *rows = report_type.example.splitlines(keepends=True)
    return (head + "".join(row.replace("-1234567-", f"-{n:07d}-") for n in range(6) for row in rows)).encode()


DOCUMENTS = {
    report_type.names[0]: longer(report_type)
    if report_type.dialect in {"csv", "tsv_or_csv"}
    else report_type.example.encode()
    for report_type in REPORT_TYPES
    if report_type.is_uploaded
} | {
    "orders": build.orders_file(
        build.order_row(
            amazon_order_id=build.order_id(n),
            sales_channel=("Amazon.com", "Amazon.de", "Non-Amazon US")[n % 3],
            product_name='Kissen für Gäste, 12" x 18"',
        )
        for n in range(12)
    ),
    "feedback": build.feedback_file(
        (f"10/{n + 1}/26", str(n % 5 + 1), "llegó tarde – “nunca”", "", build.order_id(n), "x@example.com")
        for n in range(12)
    ),
    "claims": build.claims_file(
        build.claim(
            order=build.order_id(n),
            reference=f"Nº {n}",
            updated_at="2026-10-21T10:00:00+02:00",
            funded_by="seller",
        )
        for n in range(12)
    ),
    "xml": build.orders_xml(
        *(build.message(AmazonOrderID=build.order_id(n), City="München") for n in range(12))
    ),
}
HOSTILE = (
    *("", " ", "\0", '"', "\t", ",", "\r", "\x1a", "\x85", "\u2028", "\ufeff", "\ufffd", "￿", "𝟙𝟚", "١"),
    *(
        "-1",
        "0",
        "NaN",
        "1e999",
        "9" * 5_000,
        "x" * 70_000,
        "=1+1",
        "'; DROP TABLE orders; --",
        "../../etc/passwd",
    ),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-10-01T00:00:00+23:59", "2026-W43-2"),
    *(
        "2026-10-01T00:00:00+00:00:30.5",
        "2026-10-01T24:00:00Z",
        "2/30/26",
        "1/1/0001",
        "31.12.99",
        "0000-00-00",
    ),
    *(
        "10-Jul-2025",
        "31-Feb-2025",
        "01-Jan-0001",
        "30-Jun-1995",
        "2025-07-10",
        "2027-07-10",
        "9999-12-31",
        "0001-01-01",
        "İ" * 64,
    ),
    *(
        "yes",
        "no",
        "Y",
        "✓",
        "7",
        "100001",
        "2147483648",
        "S01-0000001-0000001",
        "seller",
        "1995-07-01T00:00:00Z",
        "2025-07-10T25:00Z",
    ),
    *("000-0000000-0000000", "１01-0000001-0000001", "Non-Amazon", "Amazon.de", "Cancelled", "Pending - "),
)
CODECS = (
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-7",
    "cp1252",
    "cp932",
    "iso-8859-15",
    "cp037",
)


def with_bytes_flipped(document: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(document)
    for at in chance.choices(range(len(flipped)), k=chance.choice((1, 2, 20, 200)) if flipped else 0):
        flipped[at] = chance.randrange(256)
    return bytes(flipped)


def with_bytes_put_in(document: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(document))
    return document[:at] + chance.randbytes(chance.choice((1, 3, 500))) + document[at:]


def with_a_part_cut_out(document: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randint(0, len(document)) for _ in range(2))
    return document[:first] + document[last:]


def cut_off(document: bytes, chance: random.Random) -> bytes:
    return document[: chance.randint(0, len(document))]


def without_its_beginning(document: bytes, chance: random.Random) -> bytes:
    return document[chance.randint(0, len(document)) :]


def with_lines_moved(document: bytes, chance: random.Random) -> bytes:
    header, *lines = document.splitlines(keepends=True) or [b""]
    return b"".join((header, *chance.choices(lines or [header], k=chance.randrange(30))))


def with_columns_moved(document: bytes, chance: random.Random) -> bytes:
    """Drop, swap or repeat columns, the same ones in every line."""
    rows = cells_of(document)
    order = list(range(len(rows[0])))
    for _ in range(chance.randrange(1, 4)):
        moved = order.pop(chance.randrange(len(order))) if len(order) > 1 else order[0]
        for _ in range(chance.choice((0, 1, 1, 2))):
            order.insert(chance.randint(0, len(order)), moved)
    return detect_table_redactor(
        [[row[at] for at in order if at < len(row)] for row in rows], delimiter_of(document)
    )


def with_another_delimiter(document: bytes, chance: random.Random) -> bytes:
    return document.replace(delimiter_of(document), chance.choice((b"\t", b",", b";", b"|", b" ", b"")))


def with_other_line_ends(document: bytes, chance: random.Random) -> bytes:
    end = chance.choice((b"\r", b"\n\n", b"\n\r", b"\x85", b"\x0b", b"\0", b""))
    return document.replace(b"\r\n", b"\n").replace(b"\n", end)


def with_another_encoding(document: bytes, chance: random.Random) -> bytes:
    return document.decode(errors="replace").encode(chance.choice(CODECS), "replace")


def with_hostile_values(document: bytes, chance: random.Random) -> bytes:
    rows = cells_of(document)
    for _ in range(chance.randrange(1, 10)):
        row = chance.choice(rows)
        row[chance.randrange(len(row))] = chance.choice(HOSTILE).encode()
    whole = detect_table_redactor(rows, delimiter_of(document)).decode(errors="replace")
    return whole.encode(chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")))


def packed(document: bytes, chance: random.Random) -> bytes:
    whole = gzip.compress(document, mtime=0)
    return chance.choice((whole, whole[: chance.randrange(len(whole))], with_bytes_flipped(whole, chance)))


def delimiter_of(document: bytes) -> bytes:
    return b"\t" if b"\t" in document else b","


def cells_of(document: bytes) -> list[list[bytes]]:
    return [line.split(delimiter_of(document)) for line in document.splitlines() or [b""]]


def detect_table_redactor(rows: list[list[bytes]], delimiter: bytes) -> bytes:
    return b"".join(delimiter.join(row) + b"\n" for row in rows)


KINDS_OF_MUTATION: tuple[Mutation, ...] = (
    with_bytes_flipped,
    with_bytes_put_in,
    with_a_part_cut_out,
    cut_off,
    without_its_beginning,
    with_lines_moved,
    with_columns_moved,
    with_another_delimiter,
    with_other_line_ends,
    with_another_encoding,
    with_hostile_values,
    packed,
)


def outcome(document: bytes, chance: random.Random) -> str:
    """Mutate and parse a document, check its facts, and return `used` or why it was rejected."""
    for mutate in chance.choices(KINDS_OF_MUTATION, k=chance.choice((1, 1, 1, 2))):
        document = mutate(document, chance)
    try:
        parsed = parse_document(
            document,
            announced=chance.choice(("", "", "", "", "", "", *UPLOADABLE_NAMES)),
            marketplace=chance.choice(("US", "US", "US", "JP", "DE")),
        )
    except RejectedDocument as rejection:
        return rejection.slug if all(rejection.problem().values()) else "rejected without a reason"
    used = len(parsed.lines) + len(parsed.rejected)
    # A row that is set apart states a fact only if it moves an order of Amazon out of its store.
    assert (
        parsed.reader.report_type in SEVERAL
        or parsed.reader.read - parsed.reader.set_apart <= used <= parsed.reader.read
    )
    assert all(parsed.rejected.values())
    assert max(map(len, parsed.rejected.values()), default=0) <= 300
    assert all(fits(fact) for _, fact in parsed.lines), parsed.lines
    return "used"


def fits(fact: Fact) -> bool:
    """Return whether PostgreSQL can store the fact."""
    for value in fact:
        if (
            isinstance(value, date)
            and not isinstance(value, datetime)
            and not FIRST_DAY <= value < END_OF_DAYS
        ):
            return False
        if isinstance(value, str) and ("\0" in value or value.encode(errors="replace").decode() != value):
            return False
        if isinstance(value, datetime) and not (value.tzinfo is UTC and 1995 <= value.year < 2100):
            return False
    return all(check(fact) for fact_type, check in CHECKS.items() if isinstance(fact, fact_type))


def order_fits(fact: OrderFact) -> bool:
    return (
        0 < len(fact.order_id) <= 19
        and fact.marketplace in {*CODES, NON_AMAZON}
        and fact.channel in set(Channel)
        and fact.status in set(OrderStatus)
        and item_fits(fact)
        and fact.item_status in {None, *OrderStatus}
        and (fact.price is None or Decimal(fact.price) < 10**9)
        and len(fact.currency) in {0, 3}
    )


def item_fits(fact: OrderFact | ReturnFact) -> bool:
    return (
        len(fact.sku) <= 40
        and len(fact.asin) in {0, 10}
        and (fact.quantity is None or 0 <= fact.quantity < 10**6)
    )


def defect_fits(fact: DefectFact) -> bool:
    return (
        len(fact.order_id) == 19
        and len(fact.reference) <= 64
        and fact.rating in {None, 1, 2, 3, 4, 5}
        and (fact.occurred_on is not None or fact.state == defects.LISTED or fact.kind == "a_to_z_claim")
        and fact.counts == defects.ruling(kind=fact.kind, state=fact.state, rating=fact.rating).counts
        and len(fact.reason_code) <= 40
    )


def shipment_fits(fact: ShipmentFact) -> bool:
    return (
        len(fact.order_id) == 19
        and len(fact.package) <= 64
        and 1 <= fact.units <= 100_000
        and fact.cancelled_by in {"", *Canceller}
        and (fact.is_late is None or None not in {fact.ship_by_on, fact.shipped_on})
        and (fact.is_scanned is None or fact.shipped_on is not None)
        and (fact.is_on_time is None or fact.deliver_by_on is not None)
        and (fact.is_invoiced_in_time is None or fact.shipped_on is not None)
    )


def return_fits(fact: ReturnFact) -> bool:
    return (
        len(fact.order_id) == 19
        and len(fact.reference) <= 64
        and len(fact.state) <= 20
        and fact.reason in REASONS
        and bool(fact.reason) == (fact.is_dissatisfied is True)
        and item_fits(fact)
        and len(fact.reason_code) <= 40
    )


def message_fits(fact: MessageFact) -> bool:
    return (
        0 < len(fact.message_id) <= 64
        and fact.marketplace in CODES
        and len(fact.order_id) in {0, 19}
        and (fact.answered_on is None or fact.is_answered_in_time is not None)
    )


def listing_fits(fact: ListingFact) -> bool:
    return (
        fact.marketplace in CODES
        and 0 < len(fact.sku) <= 40
        and fact.source in {"listings", "fba"}
        and fact.channel in {"", Channel.MFN, Channel.AFN}
        and len(fact.asin) in {0, 10}
        and len(fact.title) <= 200
        and len(fact.status) <= 20
        and (fact.quantity is None or 0 <= fact.quantity < 2**31)
        and (fact.price is None or 0 <= fact.price < 10**18)
    )


CHECKS: dict[type[Fact], Callable[..., bool]] = {
    OrderFact: order_fits,
    DefectFact: defect_fits,
    ShipmentFact: shipment_fits,
    ReturnFact: return_fits,
    MessageFact: message_fits,
    ListingFact: listing_fits,
}


def outcomes_of(document: bytes) -> Counter[str]:
    """Return the outcome of each mutation of a document. An unexpected error names its seed."""
    outcomes = Counter[str]()
    for seed in range(MUTATIONS):
        try:
            outcomes[outcome(document, random.Random(seed))] += 1
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    return outcomes


@pytest.mark.parametrize("name", DOCUMENTS)
def test_mutated_document_gives_facts_that_fit_or_is_rejected(name: str) -> None:
    outcomes = outcomes_of(DOCUMENTS[name])

    is_xml = DOCUMENTS[name].startswith(b"<")
    assert outcomes.total() == MUTATIONS
    assert outcomes["used"] > (10 if is_xml else MUTATIONS // 30)
    assert outcomes["invalid-xml" if is_xml else "unknown-document"] > 10
    assert len(outcomes) > 6
    assert "rejected without a reason" not in outcomes


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_mutated_sample_gives_facts_that_fit_or_is_rejected(file: Path) -> None:
    outcomes = outcomes_of(file.read_bytes())

    assert outcomes.total() == MUTATIONS
    assert "rejected without a reason" not in outcomes
