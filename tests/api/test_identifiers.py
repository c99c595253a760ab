"""Test time-ordered UUIDs and public IDs."""

from uuid import UUID

import pytest

from api import identifiers


def test_uuid7_sorts_by_time() -> None:
    made = [identifiers.uuid7() for _ in range(3)]

    assert {each.version for each in made} == {7}
    assert [each.int >> 80 for each in made] == sorted(each.int >> 80 for each in made)


def test_uuid7_keeps_order_within_millisecond() -> None:
    made = [identifiers.uuid7().int >> 64 for _ in range(2000)]

    assert made == sorted(made)
    assert len({each >> 16 for each in made}) < len(set(made))


def test_public_id_round_trips() -> None:
    identifier = identifiers.uuid7()

    assert identifiers.private("acct", identifiers.public("acct", identifier)) == identifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acct_",
        "acct_zz",
        "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
        "acct_019ABC4E5F607A8B9C0D1E2F3A4B5C6D",
        "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6",
        "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d0",
        "019abc4e-5f60-7a8b-9c0d-1e2f3a4b5c6d",
        "acct_٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠١",
        "\0",
    ],
)
def test_public_id_of_other_kind_is_no_id(text: str) -> None:
    assert identifiers.private("acct", text) == UUID(int=0)
