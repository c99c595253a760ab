"""Test that a damaged account health report gives facts that fit or is rejected."""

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.marketplaces import CODES
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import performance_v1, performance_v2
from ingestion.reports.defect_row import UNSTORABLE
from ingestion.reports.report_type import FIRST_DAY, latest_allowed_time
from metrics.rules.facts import Channel, ReportedFact, SnapshotFact
from metrics.rules.judgement import Comparator
from tests.ingestion import health_reports
from tests.ingestion.health_reports import DAY
from tests.ingestion.parsed_documents import ParsedDocument, parse_document
from tests.ingestion.reports.test_mutations import (
    cut_off,
    packed,
    with_a_part_cut_out,
    with_another_encoding,
    with_bytes_flipped,
    with_bytes_put_in,
    without_its_beginning,
)

MUTATIONS = 500  # of each document
SAMPLES = Path(__file__).parents[2] / "samples"
V2_SAMPLES = sorted((SAMPLES / performance_v2.NAME).glob("[1-9]*.json"))
DOCUMENTS = {path.name: path.read_bytes() for path in V2_SAMPLES} | {
    "example": performance_v2.EXAMPLE.encode()
}
XML = {
    "1_RECONSTRUCTED.xml": (SAMPLES / performance_v1.NAME / "1_RECONSTRUCTED.xml").read_bytes(),
    "example": performance_v1.EXAMPLE.encode(),
}
BYTES = (
    with_bytes_flipped,
    with_bytes_put_in,
    with_a_part_cut_out,
    cut_off,
    without_its_beginning,
    with_another_encoding,
    packed,
)
HOSTILE = (
    *(
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "1.5",
        "0.01",
        "1e5",
        "1e-5",
        "1e999999999999",
        "-1e-999999",
        "NaN",
        "-Infinity",
    ),
    *(
        "2147483647",
        "2147483648",
        "9" * 5_000,
        "0." + "3" * 5_000,
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        '{"value": 0.01}',
        '{"count": 1}',
    ),
    *(
        '""',
        '" "',
        '"x"',
        '"AT RISK"',
        '"\\u0000"',
        '"\\ud800"',
        '"ß"',
        '"' + "x" * 70_000 + '"',
        '"LESS_THAN"',
        '"1"',
    ),
    *(
        '"2026-09-24"',
        '"2026-09-24T23:59Z"',
        '"0001-01-01T00:00:00+14:00"',
        '"9999-12-31"',
        '"2026-W43-2"',
        '"2026-09-24T24:00Z"',
    ),
    *(
        '"A1PA6795UKMFR9"',
        '"ATVPDKIKX0DER"',
        '"A0"',
        "[" * 60 + "]" * 60,
        "[" * 2_000 + "]" * 2_000,
        '{"\\u0000": 1}',
    ),
)
HOSTILE_TEXTS = (
    "",
    "-1",
    "0",
    "1,5",
    "NaN",
    "9" * 5_000,
    "0.70",
    "700%",
    "-7%",
    "soon",
    "9999-12-31",
    "&amp;",
    "x" * 70_000,
    "٧",
)
Tree = Any
Place = tuple[Any, Any]


def places(tree: Tree) -> Iterator[Place]:
    """Yield every (container, key or index) in a tree."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from places(tree[key])


def drop(tree: Tree, chance: random.Random) -> None:
    container, key = chance.choice(list(places(tree)))
    del container[key]


def rename(tree: Tree, chance: random.Random) -> None:
    objects = [place for place in places(tree) if isinstance(place[0], dict)]
    if not objects:
        return
    container, key = chance.choice(objects)
    others = [key for _, key in objects]
    name = chance.choice(
        (key.upper(), key.lower(), key + "s", "", "x", "\0", chance.choice(others), chance.choice(others))
    )
    container[name] = container.pop(key)


def swap(tree: Tree, chance: random.Random) -> None:
    """Swap two values of any type."""
    every = list(places(tree))
    (one, at), (other, there) = chance.choice(every), chance.choice(every)
    one[at], other[there] = copy.deepcopy(other[there]), copy.deepcopy(one[at])


def repeat(tree: Tree, chance: random.Random) -> None:
    """Put a value where another was, or once more into its list."""
    every = list(places(tree))
    (one, at), (other, there) = chance.choice(every), chance.choice(every)
    other[there] = copy.deepcopy(one[at])
    if isinstance(one, list):
        one.append(copy.deepcopy(one[min(at, len(one) - 1)]))


def mark(tree: Tree, chance: random.Random) -> None:
    """Mark a value to be replaced with a hostile one that no JSON library writes."""
    container, key = chance.choice(list(places(tree)))
    container[key] = f"hostile {chance.randrange(len(HOSTILE))}"


CHANGES: tuple[Callable[[Tree, random.Random], None], ...] = (drop, rename, swap, repeat, mark, mark, mark)


def changed(document: bytes, chance: random.Random) -> bytes:
    """Change some values and names of the report; the result is JSON or nearly so."""
    tree = json.loads(document)
    for change in chance.choices(CHANGES, k=chance.choice((1, 2, 5, 20))):
        if any(places(tree)):
            change(tree, chance)
    text = json.dumps(tree, indent=chance.choice((None, 2)))
    for number in range(len(HOSTILE) - 1, -1, -1):
        text = text.replace(f'"hostile {number}"', HOSTILE[number])
    return text.encode()


def changed_xml(document: bytes, chance: random.Random) -> bytes:
    """Change some texts and names of the report; the result is XML or nearly so."""
    pieces = document.decode().split("<")
    for _ in range(chance.choice((1, 2, 5, 20))):
        at, other = chance.randrange(2, len(pieces)), chance.randrange(2, len(pieces))
        name, _, text = pieces[at].partition(">")
        kinds = (
            f"{name}>{chance.choice(HOSTILE_TEXTS)}",
            f"{name}>{chance.choice(HOSTILE_TEXTS)}",
            pieces[other],
            f"{pieces[other].partition('>')[0]}>{text}",
            f"{name}/>{text}",
        )
        pieces[at] = chance.choices(kinds, weights=(8, 8, 1, 1, 1))[0]
    return "<".join(pieces).encode()


def outcome(document: bytes, *, announced: str, chance: random.Random) -> tuple[str, ParsedDocument | None]:
    """Return `used` and what was parsed, or why it was rejected."""
    marketplace = chance.choice(("US", "DE", "JP"))
    try:
        parsed = parse_document(
            document, announced=chance.choice(("", announced)), marketplace=marketplace, today=DAY
        )
    except RejectedDocument as rejection:
        return rejection.slug if all(rejection.problem().values()) else "rejected without a reason", None
    assert len({line for line, _ in parsed.lines}) + len(parsed.reader.rejected) <= parsed.reader.read
    assert all(0 < len(reason) <= 300 for reason in parsed.rejected.values())
    return "used", parsed


def assert_fits(parsed: ParsedDocument) -> None:
    """Assert that every fact fits its table, and that no figure or marketplace is repeated."""
    assert all(figure_fits(fact) for fact in parsed.reported), parsed.reported
    assert all(snapshot_fits(fact) for fact in parsed.snapshots), parsed.snapshots
    series = [(fact.marketplace, fact.metric, fact.channel) for fact in parsed.reported]
    assert len(set(series)) == len(series)
    assert len({fact.marketplace for fact in parsed.snapshots}) == len(parsed.snapshots)
    assert len(health_reports.moments(parsed)) <= 1


def figure_fits(fact: ReportedFact) -> bool:
    expected = json.loads(fact.flags)
    days = [day for day in (fact.first_on, fact.last_on) if day]
    limits = (fact.limit_numerator, fact.limit_denominator)
    return (
        fact.marketplace in CODES
        and fact.channel in set(Channel)
        and all(FIRST_DAY <= day <= latest_allowed_time(DAY).date() for day in days)
        and days == sorted(days)
        and all(
            number is None or 0 <= number < 2**31 for number in (fact.numerator, fact.denominator, *limits)
        )
        and (
            fact.rate is None
            or (isinstance(fact.rate, Decimal) and 0 <= fact.rate <= 1 and len(str(fact.rate)) < 100)
        )
        and (fact.denominator != 0 or (fact.rate, fact.status) == (None, "NONE"))
        and status_fits(fact.status)
        and (
            limits == (None, None)
            if fact.comparator == ""
            else fact.comparator in set(Comparator) and bool(limits[1])
        )
        and all(
            isinstance(sentence, str) and sentence.endswith(".") and len(sentence) < 300
            for sentence in expected
        )
        and moment_fits(fact.reported_at)
    )


def snapshot_fits(fact: SnapshotFact) -> bool:
    document = json.loads(fact.document)
    return (
        fact.marketplace in CODES
        and status_fits(fact.account_status)
        and isinstance(document, dict)
        and moment_fits(fact.reported_at)
        and not UNSTORABLE.search(fact.document)
    )


def status_fits(status: str) -> bool:
    return (
        len(status) <= 20 and status == status.upper() and " " not in status and not UNSTORABLE.search(status)
    )


def moment_fits(moment: datetime) -> bool:
    return moment.tzinfo is UTC and moment.year >= 1995 and moment <= datetime.combine(DAY, time(12), UTC)


def assert_postgresql_keeps(documents: list[str], rates: list[Decimal]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(each::jsonb) FROM unnest(%s::text[]) AS each", [documents])
        assert cursor.fetchone() == (len(documents),)
        cursor.execute("SELECT unnest(%s::numeric[])", [rates])
        assert [rate for (rate,) in cursor.fetchall()] == rates


def mutated(name: str, document: bytes, seed: int, change: Callable[[bytes, random.Random], bytes]) -> bytes:
    chance = random.Random(seed)
    mutations = chance.choice(
        ((change,), (change,), (change,), (chance.choice(BYTES),), (change, chance.choice(BYTES)))
    )
    for mutate in mutations:
        document = mutate(document, chance)
    return document


def all_outcomes(
    name: str, document: bytes, change: Callable[[bytes, random.Random], bytes], announced: str
) -> tuple[Counter[str], list[ParsedDocument]]:
    outcomes, used = Counter[str](), []
    for seed in range(MUTATIONS):
        try:
            slug, parsed = outcome(
                mutated(name, document, seed, change), announced=announced, chance=random.Random(seed)
            )
            if parsed:
                assert_fits(parsed)
                used.append(parsed)
        except Exception as error:
            error.add_note(f"{name}, seed {seed}")
            raise
        outcomes[slug] += 1
    return outcomes, used


@pytest.mark.parametrize("name", DOCUMENTS)
def test_mutated_report_gives_facts_that_fit_or_is_rejected(name: str, db: None) -> None:
    outcomes, used = all_outcomes(name, DOCUMENTS[name], changed, performance_v2.NAME)

    assert outcomes.total() == MUTATIONS
    assert outcomes["used"] > MUTATIONS // 4
    assert outcomes["invalid-json"] > 10
    assert "rejected without a reason" not in outcomes
    assert sum(len(parsed.rejected) > 0 for parsed in used) > MUTATIONS // 20
    assert_postgresql_keeps(
        [fact.document for parsed in used for fact in parsed.snapshots],
        [fact.rate for parsed in used for fact in parsed.reported if fact.rate is not None],
    )


@pytest.mark.parametrize("name", XML)
def test_mutated_xml_report_gives_facts_that_fit_or_is_rejected(name: str, db: None) -> None:
    outcomes, used = all_outcomes(name, XML[name], changed_xml, performance_v1.NAME)

    assert outcomes.total() == MUTATIONS
    assert outcomes["used"] > MUTATIONS // 10
    assert outcomes["invalid-xml"] > 10
    assert "rejected without a reason" not in outcomes
    assert sum(len(parsed.rejected) > 0 for parsed in used) > MUTATIONS // 20
    assert_postgresql_keeps(
        [fact.document for parsed in used for fact in parsed.snapshots],
        [fact.rate for parsed in used for fact in parsed.reported if fact.rate is not None],
    )


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_value_anywhere_costs_no_more_than_blocks_it_is_in(hostile: str) -> None:
    document = json.loads(DOCUMENTS["example"])
    places_of_blocks = [
        (container, key)
        for container, key in places(document["performanceMetrics"][0])
        if key != "marketplaceId"
    ]

    for number in range(len(places_of_blocks)):
        tree = copy.deepcopy(document)
        container, key = [
            place for place in places(tree["performanceMetrics"][0]) if place[1] != "marketplaceId"
        ][number]
        container[key] = "hostile"
        slug, parsed = outcome(
            json.dumps(tree).replace('"hostile"', hostile).encode(),
            announced=performance_v2.NAME,
            chance=random.Random(number),
        )
        if parsed is None:
            assert (slug, len(hostile) > 1_000) == ("invalid-json", True)
            continue
        assert_fits(parsed)
        assert len(parsed.rejected) <= 2
