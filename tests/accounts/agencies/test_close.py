"""Test closing and reopening an agency."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, ApiKey, Role
from accounts.tenancy import context
from tests.client import Client


def close(client: Client, words: Any = "close Acme") -> Any:
    return client.delete("/v1/agency", {"confirm": words}, format="json")


def test_close_with_name_ends_all_access(acme: Client, rival: Client) -> None:
    response = close(acme)

    agency = response.json()
    closed_at, erased_from = (datetime.fromisoformat(agency[name]) for name in ("closed_at", "erased_from"))
    assert (response.status_code, agency["id"]) == (202, acme.agency.public_id)
    assert erased_from - closed_at == timedelta(days=7)
    assert abs(timezone.now() - closed_at) < timedelta(minutes=1)
    for refused in (
        acme.get("/v1/me"),
        acme.get("/v1/accounts"),
        close(acme),
        acme.post("/v1/accounts", {}, format="json"),
    ):
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.json()["detail"] == "The agency is closed."
    assert rival.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("words", "status"),
    [
        *(
            (words, 409)
            for words in (
                "Acme",
                "close acme",
                "Close Acme",
                "close  Acme",
                "close Acme ",
                "close Rival",
                "close",
            )
        ),
        *((words, 400) for words in ("", None, ["close Acme"])),
    ],
)
def test_close_with_wrong_confirmation_is_refused(
    acme: Client, rival: Client, words: Any, status: int
) -> None:
    response = close(acme, words)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (status, "/confirm")
    assert acme.get("/v1/me").status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"name": "Acme"}])
def test_close_without_confirmation_is_refused(acme: Client, body: dict[str, str] | None) -> None:
    assert acme.delete("/v1/agency", body, format="json").status_code == 400
    assert acme.delete("/v1/agency").status_code in {400, 415}
    assert acme.get("/v1/me").status_code == 200


@pytest.mark.parametrize("rights", [{"role": Role.MANAGER}, {"role": Role.VIEWER}, {"read_only": True}])
def test_close_requires_admin_with_write_access(acme: Client, rights: dict[str, Any]) -> None:
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(**rights)

    assert close(acme).status_code == 403
    assert context.closed_agency_ids() == []


def test_close_confirmation_uses_current_name(acme: Client) -> None:
    acme.patch("/v1/agency", {"name": "Marlowe & Finch"}, format="json")

    assert (close(acme).status_code, close(acme, "close Marlowe & Finch").status_code) == (409, 202)


def test_reopened_agency_is_as_before(acme: Client, shop: str) -> None:
    before = acme.read("/v1/accounts")
    close(acme)
    with context.agency(acme.agency.pk):
        agencies.reopen(agency=Agency.objects.get(), now=timezone.now())

    key = acme.read("/v1/me")["key"]
    assert acme.read("/v1/accounts") == before
    entries = acme.read("/v1/audit-log", what="agency.*")["data"]
    assert [(entry["what"], entry["who"]) for entry in entries] == [
        ("agency.reopened", "underone"),
        ("agency.closed", f"{key['id']} {key['name']}"),
        ("agency.opened", "underone"),
    ]
