"""Test API9:2023 Improper Inventory Management: routes and documented operations are the same."""

import json
from pathlib import Path

from django.conf import settings
from django.urls import get_resolver, resolve

from tests.architecture.operations import DOCUMENTED, SHARED_PARTS
from tests.architecture.test_tenancy import PUBLIC_PATHS, routes
from tests.client import Client

ID = "x_" + "0" * 32


class Anything(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return SHARED_PARTS.get(name, ID)


def test_routes_are_documented_or_public() -> None:
    documented = {operation.path for operation in DOCUMENTED}

    assert set(routes(get_resolver().url_patterns)) - documented <= set(PUBLIC_PATHS)


def test_documented_operations_are_routed() -> None:
    for operation in DOCUMENTED:
        view = resolve(operation.path.format_map(Anything())).func
        assert operation.method.lower() in view.view_class.http_method_names  # type: ignore[attr-defined]
        assert hasattr(view.view_class, operation.method.lower()), operation  # type: ignore[attr-defined]


def test_served_document_is_the_committed_one(acme: Client) -> None:
    served = acme.read("/v1/openapi.json")
    committed = json.loads((Path(settings.BASE_DIR) / "docs" / "openapi.json").read_text())

    assert served["paths"].keys() == committed["paths"].keys()


def test_api_has_one_version(acme: Client) -> None:
    for path in (
        "/v0/accounts",
        "/v2/accounts",
        "/api/accounts",
        "/accounts",
        "/admin/",
        "/debug",
        "/.env",
        "/.git/config",
    ):
        assert acme.get(path).status_code == 404
