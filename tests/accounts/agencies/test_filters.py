"""Test filters of the list of accounts, with valid and hostile values."""

from collections.abc import Iterable

import pytest

from accounts.models import AccountStatus, SellerAccount
from accounts.tenancy import context
from tests.client import Client

SHOPS = (
    # name, selling partner, external id, home, status
    ("50% Off", "A1PERCENT", "crm_1", "US", AccountStatus.BREACHED),
    ("Under_Score", "A2UNDER", None, "DE", AccountStatus.HEALTHY),
    (r"Back\Slash", "A3BACK", "", "DE", AccountStatus.AT_RISK),
    ('O\'Brien "quoted"', "A4QUOTE", "crm1", "GB", AccountStatus.NO_DATA),
)


@pytest.fixture
def shops(acme: Client) -> Client:
    """Create an agency with an account of every unusual name."""
    for name, partner, external_id, home, status in SHOPS:
        body = {
            "name": name,
            "selling_partner_id": partner,
            "home_marketplace": home,
            "external_id": external_id,
        }
        if external_id == "":
            del body["external_id"]
        assert acme.post("/v1/accounts", body, format="json").status_code == 201
        with context.agency(acme.agency.pk):
            SellerAccount.objects.filter(name=name).update(status=status)
    return acme


def partners(client: Client, **parameters: str) -> list[str]:
    return sorted(
        account["selling_partner_id"] for account in client.read("/v1/accounts", **parameters)["data"]
    )


EVERY = [partner for _, partner, _, _, _ in SHOPS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%", ["A1PERCENT"]),
        ("50%", ["A1PERCENT"]),
        ("%%", []),
        ("_", ["A1PERCENT", "A2UNDER"]),  # a name, and an external id
        ("m_1", ["A1PERCENT"]),
        ("crm", ["A1PERCENT", "A4QUOTE"]),
        ("\\", ["A3BACK"]),
        ("\\\\", []),
        ("\\S", ["A3BACK"]),
        ("'", ["A4QUOTE"]),
        ('"', ["A4QUOTE"]),
        ("' OR 1=1 --", []),
        ("under", ["A2UNDER"]),
        ("UNDER_s", ["A2UNDER"]),
        ("a4q", ["A4QUOTE"]),
        ("%s", []),
        ("x" * 200, []),
        ("", EVERY),
        ("  ", EVERY),
    ],
)
def test_search_matches_text_literally(shops: Client, text: str, expected: list[str]) -> None:
    assert partners(shops, search=text) == expected


@pytest.mark.parametrize("text", ["\0", "un\0der", "\0" * 100 + "%", "x" * 201])
def test_search_with_nul_or_long_text_is_refused(shops: Client, text: str) -> None:
    response = shops.get("/v1/accounts", {"search": text})

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == ["/search"]


def test_search_with_invalid_utf8_finds_nothing(shops: Client) -> None:
    response = shops.get("/v1/accounts?search=%ff%fe")

    assert (response.status_code, response.json()["data"]) == (200, [])


@pytest.mark.parametrize("status", AccountStatus.values)
def test_status_filter_finds_accounts(shops: Client, status: str) -> None:
    assert partners(shops, status=status) == [partner for _, partner, _, _, has in SHOPS if has == status]


@pytest.mark.parametrize(
    ("code", "expected"), [("DE", ["A2UNDER", "A3BACK"]), ("US", ["A1PERCENT"]), ("JP", [])]
)
def test_marketplace_filter_finds_accounts_selling_there(
    shops: Client, code: str, expected: list[str]
) -> None:
    assert partners(shops, marketplace=code) == expected


def test_marketplace_filter_finds_account_in_each_marketplace(shops: Client) -> None:
    with context.agency(shops.agency.pk):
        SellerAccount.objects.filter(selling_partner_id="A1PERCENT").update(marketplaces=["CA", "US"])

    assert partners(shops, marketplace="CA") == partners(shops, marketplace="US") == ["A1PERCENT"]


def test_filters_combine(shops: Client) -> None:
    assert partners(shops, marketplace="DE", status="healthy") == ["A2UNDER"]
    assert partners(shops, marketplace="DE", status="healthy", search="back") == []


@pytest.mark.parametrize(
    "parameters", [{"status": "BREACHED"}, {"marketplace": "de"}, {"status": "\0"}, {"marketplace": "\0"}]
)
def test_filter_value_outside_choices_is_refused(shops: Client, parameters: dict[str, str]) -> None:
    response = shops.get("/v1/accounts", parameters)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{name}" for name in parameters]


def test_deleted_account_is_not_found_by_filters(shops: Client) -> None:
    (account,) = shops.read("/v1/accounts", search="under")["data"]
    shops.delete(f"/v1/accounts/{account['id']}")

    narrowed: Iterable[dict[str, str]] = (
        {},
        {"search": "under"},
        {"status": "healthy"},
        {"marketplace": "DE"},
    )

    assert all("A2UNDER" not in partners(shops, **parameters) for parameters in narrowed)


def test_filters_find_no_accounts_of_other_agency(shops: Client, rival: Client) -> None:
    assert partners(rival) == partners(rival, search="under") == partners(rival, marketplace="DE") == []
