"""Test that names, streets, mail addresses and phone numbers in any column come back nowhere.

Not in the report, its problem and rejected rows, not in an event, and not in a log line, whether the agency keeps
personal columns or not.
"""

import csv
import io
import json
import random
import re
from collections.abc import Iterator

import pytest

from ingestion.reports import REPORT_TYPES
from ingestion.reports.report_type import ReportType
from ingestion.reports.table_layout import TABLE_TYPES
from tests.client import Client
from tests.recorded_logs import recorded_logs

ROWS = 200  # of each report type
FIRST_NAMES = (
    *("Zdenka", "Oluwaseun", "Jörg", "Anneliese", "Mónica", "Tómas"),
    *("Ingeborg", "Yevgenia", "Raúl", "Siobhan", "Marta", "Wolfgang"),
)
SURNAMES = (
    *("Wróblewska", "Adebayo", "Kästner", "Fitzwilliam", "Gutiérrez"),
    *("Þórsson", "Lindqvist", "Marchetti", "O'Shaughnessy", "Krüger"),
)
STREETS = (
    "Kastanienallee",
    "Bramblewood Lane",
    "Rue Lecourbe",
    "Via Garibaldi",
    "Calle Alcalá",
    "ul. Marszałkowska",
    "Lindenhurststr.",
)
OTHER_PERSONS = ("山田太郎", "王小明", "千代田区丸の内1-1-1", "محمد العلي", "ИВАНОВА")
# Words that are in answers anyway.
COMMON = {"lane", "calle", "mail", "marketplace", "amazon", "example"}
EACH_KIND = pytest.mark.parametrize(
    "report_type",
    [report_type for report_type in REPORT_TYPES if report_type.is_uploaded],
    ids=lambda report_type: report_type.names[0],
)


def person(chance: random.Random) -> str:
    """Return a name, a part of one, a street, a mail address or a phone number."""
    first, last = chance.choice(FIRST_NAMES), chance.choice(SURNAMES)
    number = chance.randrange(1_000_000, 10_000_000)
    return chance.choice(
        (
            f"{first} {last}",
            f"{last}, {first}",
            first,
            last.upper(),
            f"{first}.{last}@mail{number}.example",
            f"{first.lower()}{number}@marketplace.amazon.de",
            f"{chance.choice(STREETS)} {chance.randrange(1, 200)}",
            f"{chance.randrange(1, 200)} {chance.choice(STREETS)}",
            chance.choice(STREETS),
            f"+49 170 {number}",
            f"0049170{number}",
            f"({chance.randrange(200, 999)}) 555-{number % 10_000:04d}",
            f"{chance.randrange(200, 999)}-555-{number % 10_000:04d}",
            str(number),
            chance.choice(OTHER_PERSONS),
        )
    )


def traces(value: str) -> Iterator[str]:
    """Yield what must not be in any answer: the value, each of its words, and its long numbers."""
    yield value
    yield from (word for word in re.findall(r"[^\W\d_]{4,}", value) if word.lower() not in COMMON)
    yield from re.findall(r"\d{7,}", value)


def table_of(report_type: ReportType, chance: random.Random) -> tuple[str, list[str]]:
    """Return a table whose rows have a personal value in each column in turn, and these values."""
    delimiter = "\t" if "\t" in report_type.example else ","
    header, *rows = csv.reader(io.StringIO(report_type.example), delimiter=delimiter)
    out, values = io.StringIO(), list[str]()
    writer = csv.writer(
        out, delimiter=delimiter, quotechar=None if delimiter == "\t" else '"', lineterminator="\n",
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL, escapechar="\\",
    )  # fmt: skip
    writer.writerow(header)
    for n in range(ROWS):
        row = list(rows[n % len(rows)])
        # One column, two columns, or all of them as in a shifted row.
        for at in (n % len(header), *((n * 7 + 3) % len(header),) * (n % 3 == 0)):
            row[at] = person(chance)
            values.append(row[at])
        if n % 11 == 0:
            row.insert(chance.randrange(len(row)), person(chance))
            values += row[-1:] if row[-1] in values else []
        writer.writerow(row)
    return out.getvalue(), values


def text_of(report_type: ReportType, chance: random.Random) -> tuple[str, list[str]]:
    """Return XML or JSON whose texts and numbers are personal values, and these values."""
    values = list[str]()

    def replaced(match: re.Match[str]) -> str:
        if chance.random() < 0.5:
            return match[0]
        values.append(person(chance))
        return match[1] + values[-1].replace("&", "") + match[3]

    pattern = r"(>)([^<>\s][^<>]*)(<)" if report_type.dialect == "xml" else r'(: ")([^"]*)(")'
    return re.sub(pattern, replaced, report_type.example), values


def answers(agency: Client, account: str, document: str, **fields: str) -> str:
    """Load a document and return everything that is said about it."""
    logged, problems = len(recorded_logs.lines), len(recorded_logs.problems)
    report = agency.load(account, document.encode(), **fields)
    rejected = agency.read(f"/v1/reports/{report['id']}/rejected-rows", limit=200)
    events = agency.read("/v1/events", limit=200)
    lines = recorded_logs.lines[logged:] + recorded_logs.problems[problems:]
    return "\n".join([json.dumps([report, rejected, events], ensure_ascii=False), *lines])


@pytest.fixture(params=[False, True], ids=["redacted", "kept as received"])
def shop(request: pytest.FixtureRequest, nord: Client) -> str:
    """Create an account of an agency that keeps personal columns or not."""
    nord.patch("/v1/agency", {"keeps_personal_columns": request.param}, format="json")
    return nord.take_on()


@EACH_KIND
def test_personal_value_in_any_column_comes_back_nowhere(
    nord: Client, shop: str, report_type: ReportType
) -> None:
    chance = random.Random(report_type.names[0])
    make = table_of if report_type in TABLE_TYPES else text_of
    document, values = make(report_type, chance)
    assert len(values) > (ROWS if report_type in TABLE_TYPES else 2)

    said = answers(nord, shop, document)
    said += answers(nord, shop, document + "\n", report_type=report_type.names[0])

    assert sorted({trace for value in values for trace in traces(value) if trace in said}) == []


@pytest.mark.parametrize("announced", ["", *(each.names[0] for each in REPORT_TYPES if each.is_uploaded)])
def test_personal_values_without_header_come_back_nowhere(nord: Client, shop: str, announced: str) -> None:
    for delimiter in ("\t", ",", ";"):
        chance = random.Random(f"{delimiter}{announced}")
        rows = [[person(chance) for _ in range(chance.choice((4, 6, 9)))] for _ in range(20)]
        rows[0].append("A-to-z Guarantee Claim")
        document = "\n".join(delimiter.join(row) for row in rows)

        said = answers(nord, shop, document, **({"report_type": announced} if announced else {}))

        values = [cell for row in rows for cell in row if cell != "A-to-z Guarantee Claim"]
        found = sorted({trace for value in values for trace in traces(value) if trace in said})
        assert found == [], f"delimiter {delimiter!r}"
