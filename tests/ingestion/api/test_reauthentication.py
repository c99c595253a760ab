"""Test uploads whose permission ends while the body streams in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.uploadedfile import UploadedFile
from pytest_django.fixtures import Settings

from accounts.agencies import lifecycle as agencies
from accounts.models import ApiKey, Role
from accounts.tenancy import context
from ingestion.api.uploads import DocumentUploadHandler
from ingestion.models import Report
from tests.client import Client
from tests.conftest import NOON

Change = Callable[[Client, Client, str], Any]


class ChangeWhileStreaming(DocumentUploadHandler):
    """Run an action before the last byte arrives."""

    act: ClassVar[Callable[[], Any]]

    def file_complete(self, file_size: int) -> UploadedFile | None:
        type(self).act()
        return super().file_complete(file_size)


@pytest.fixture
def acme(committed_db: None) -> Client:
    """Return an agency whose rows are committed, so that a rejected upload rolls back nothing else."""
    return Client(*agencies.create_agency(name="Acme", now=NOON))


@pytest.fixture
def shop(acme: Client) -> str:
    return acme.take_on()


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Return the folder for uploads and documents."""
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.ChangeWhileStreaming"]
    settings.FILE_UPLOAD_TEMP_DIR = settings.MEDIA_ROOT = tmp_path
    return tmp_path


def id_of(client: Client) -> str:
    return str(client.read("/v1/me")["bearer"]["id"])


def columns(client: Client, key: str, **values: Any) -> None:
    with context.agency(client.agency.pk):
        ApiKey.objects.filter(prefix=key[:20]).update(**values)


def revoke(acme: Client, clerk: Client, _: str) -> None:
    assert acme.delete(f"/v1/api-keys/{id_of(clerk)}").status_code == 204


def delete_account(acme: Client, _: Client, shop: str) -> None:
    assert acme.delete(f"/v1/accounts/{shop}").status_code in {202, 204}


def close(acme: Client, _: Client, __: str) -> None:
    assert acme.delete("/v1/agency", {"confirm": "close Acme"}, format="json").status_code == 202


def limit(acme: Client, clerk: Client, _: str) -> None:
    columns(acme, clerk.key, accounts=[acme.agency.pk])


def demote(acme: Client, clerk: Client, _: str) -> None:
    columns(acme, clerk.key, role=Role.VIEWER)


def nothing(_: Client, __: Client, ___: str) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("change", "status", "stored"),
    [
        (revoke, 401, 0),
        (close, 401, 0),
        (delete_account, 404, 0),
        (limit, 404, 0),
        (demote, 403, 0),
        (nothing, 202, 1),
    ],
)
def test_upload_is_discarded_if_permission_ends_while_streaming(
    acme: Client, shop: str, folder: Path, change: Change, status: int, stored: int
) -> None:
    made = acme.post("/v1/api-keys", {"name": "clerk", "role": "manager"}, format="json").json()
    clerk = Client(acme.agency, made["key"])
    ChangeWhileStreaming.act = lambda: change(acme, clerk, shop)

    response = clerk.send(shop, b"a document")
    response.wsgi_request.close()

    assert response.status_code == status
    assert len([path for path in folder.rglob("*") if path.is_file()]) == stored
    with context.agency(acme.agency.pk):
        assert Report.objects.count() == stored


def test_stored_response_is_not_replayed_to_revoked_key(acme: Client, shop: str, folder: Path) -> None:
    made = acme.post("/v1/api-keys", {"name": "clerk", "role": "manager"}, format="json").json()
    clerk = Client(acme.agency, made["key"])
    clerk.credentials(HTTP_AUTHORIZATION=f"Bearer {made['key']}", HTTP_IDEMPOTENCY_KEY="one")
    ChangeWhileStreaming.act = lambda: None
    first = clerk.send(shop, b"a document")
    ChangeWhileStreaming.act = lambda: acme.delete(f"/v1/api-keys/{made['id']}")

    assert (first.status_code, clerk.send(shop, b"a document").status_code) == (202, 401)
