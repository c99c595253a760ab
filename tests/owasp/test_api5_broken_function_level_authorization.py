"""Test API5:2023 Broken Function Level Authorization: operations require the documented role."""

import pytest

from tests.architecture.agency_data import AgencyIds
from tests.architecture.operations import METHODS, OPERATIONS
from tests.client import Client
from tests.owasp.conftest import MakeClient, with_key

RANK = ("viewer", "manager", "admin")


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_role_cannot_use_operations_above_it(agency_with_data: tuple[Client, AgencyIds], role: str) -> None:
    acme, agency_ids = agency_with_data
    client = with_key(acme, role=role)
    above = [each for each in OPERATIONS if RANK.index(each.role or "viewer") > RANK.index(role)]

    responses = {str(each): each.send(client, agency_ids).status for each in above}

    assert len(above) > 10
    assert set(responses.values()) == {403}, responses


def test_operations_document_required_role() -> None:
    assert [str(each) for each in OPERATIONS if each.role not in RANK] == []


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_override_headers_are_ignored(
    make_client: MakeClient, acme: Client, shop: str, header: str
) -> None:
    client = make_client(role="viewer")

    assert client.get(f"/v1/accounts/{shop}", headers={header: "DELETE"}).status_code == 200
    assert acme.get(f"/v1/accounts/{shop}").status_code == 200


@pytest.mark.parametrize("path", sorted({each.path for each in OPERATIONS if "{" not in each.path}))
def test_undocumented_methods_are_refused(acme: Client, path: str) -> None:
    documented = {each.method for each in OPERATIONS if each.path == path}

    for method in {*METHODS, "TRACE", "CONNECT", "PROPFIND"} - documented:
        assert acme.generic(method, path, b"{}", content_type="application/json").status_code == 405
