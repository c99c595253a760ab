"""Test the faulty documents of tests/samples/faults over HTTP: upload, load, and read the report and its
rejected rows.

Each case states the right answer. `tests/samples/faults/README.md` says what each document shows.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client

FAULTS = Path(__file__).parents[1] / "samples" / "faults"


@dataclass(frozen=True, kw_only=True)
class Case:
    """State the right answer to one faulty document.

    - `home`: the account's home marketplace. `announced`: the `report_type` that is sent with the document.
    - `report_type`: the report type of a loaded document.
    - `read`: the number of rows read. `rejected`: a part of the reason of each rejected row, by line.
    - `warnings`: a part of each warning, in order.
    - `problem`: the slug of the problem of a rejected document. `detail`: parts of its detail.
    """

    file: str
    home: str = "US"
    announced: str = ""
    report_type: str = ""
    read: int = 0
    rejected: dict[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problem: str = ""
    detail: tuple[str, ...] = ()


CASES = (
    Case(
        file="131_shipments_excel_dates.csv",
        report_type="shipments",
        read=3,
        rejected={
            2: "`ship_by`: '11/20/2026' is not valid; expected a day (YYYY-MM-DD)",
            3: "`ship_by`: '20.11.2026' is not valid; expected a day (YYYY-MM-DD)",
            4: "`ship_by`: '2026-11-20 00:00' is not valid; expected a day (YYYY-MM-DD)",
        },
        problem="no-usable-row",
    ),
)


def upload(agency: Client, case: Case) -> dict[str, Any]:
    """Upload the document of a case to a new account, let a worker load it and return its report."""
    account = agency.take_on(home=case.home)
    fields = {"report_type": case.announced} if case.announced else {}
    return agency.load(account, (FAULTS / case.file).read_bytes(), **fields)


def reasons(agency: Client, report: dict[str, Any]) -> dict[int, str]:
    """Return the reasons of a report's rejected rows by line."""
    rows = agency.read(f"/v1/reports/{report['id']}/rejected-rows", limit=200)["data"]
    return {row["line"]: row["reason"] for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file} {case.announced}".strip())
def test_faulty_document_gets_right_answer(nord: Client, case: Case) -> None:
    report = upload(nord, case)

    problem = report["problem"] or {"type": "", "detail": ""}
    rejected = reasons(nord, report)
    assert (report["status"], problem["type"].removeprefix("/problems/")) == (
        "rejected" if case.problem else "loaded",
        case.problem,
    ), report
    assert rejected.keys() == case.rejected.keys(), rejected
    assert [part for line, part in case.rejected.items() if part not in rejected[line]] == [], rejected
    assert [part for part in case.detail if part not in problem["detail"]] == [], problem
    if not case.problem:
        assert (report["report_type"], report["rows"]["read"]) == (case.report_type, case.read), report
        assert len(report["warnings"]) == len(case.warnings), report["warnings"]
    for part, warning in zip(case.warnings, report["warnings"], strict=False):
        assert part in warning


def test_faulty_documents_are_all_tested_and_described() -> None:
    files = {path.name for path in FAULTS.iterdir()} - {"README.md"}
    described = (FAULTS / "README.md").read_text()

    assert files == {case.file for case in CASES}
    assert [name for name in sorted(files) if f"| {name} |" not in described] == []
