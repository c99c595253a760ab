"""Test the limits of what an agency may have under way and stored, and the reserve of free disk space."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from accounts.agencies import lifecycle as agencies
from ingestion import intake_limits, tasks
from tests import build
from tests.client import Client
from tests.clock import NOW

DOCUMENTS = [build.orders_file(build.orders_on(NOW - timedelta(days=30), count=n)) for n in (1, 2, 3)]


@pytest.fixture
def other(nord: Client) -> Client:
    """Return another agency with committed rows."""
    return Client(*agencies.create_agency(name="Other", now=NOW))


def test_upload_beyond_waiting_reports_is_refused_until_one_is_loaded(
    nord: Client, other: Client, shelf: str, settings: Settings
) -> None:
    settings.REPORTS_MAX_WAITING = 2
    for document in DOCUMENTS[:2]:
        assert nord.send(shelf, document).status_code == 202

    refused = nord.send(shelf, DOCUMENTS[2])
    posted = nord.post(
        f"/v1/accounts/{shelf}/defects", {"defects": [build.defect(order=build.order_id(1))]}, format="json"
    )

    assert {answer.status_code for answer in (refused, posted)} == {429}
    assert refused.json()["type"] == "/problems/too-many-reports-waiting"
    assert int(refused.headers["Retry-After"]) == 60
    assert other.send(other.take_on(partner="A1RIVAL"), DOCUMENTS[0]).status_code == 202
    tasks.load_report()
    assert nord.send(shelf, DOCUMENTS[2]).status_code == 202


def test_upload_beyond_stored_bytes_is_refused(
    nord: Client, other: Client, shelf: str, settings: Settings
) -> None:
    nord.send(shelf, DOCUMENTS[0])
    settings.DOCUMENTS_MAX_BYTES = len(DOCUMENTS[0]) + len(DOCUMENTS[1]) - 1

    refused = nord.send(shelf, DOCUMENTS[1])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/document-storage-full")
    assert other.send(other.take_on(partner="A1RIVAL"), DOCUMENTS[1]).status_code == 202
    settings.DOCUMENTS_MAX_BYTES += 1
    assert nord.send(shelf, DOCUMENTS[1]).status_code == 202


def test_upload_below_disk_reserve_is_refused(nord: Client, shelf: str, settings: Settings) -> None:
    settings.DISK_RESERVE_BYTES = 2**62

    refused = nord.send(shelf, DOCUMENTS[0])

    assert (refused.status_code, refused.json()["type"]) == (507, "/problems/insufficient-storage")
    settings.DISK_RESERVE_BYTES = 0
    assert nord.send(shelf, DOCUMENTS[0]).status_code == 202


def test_refused_upload_is_not_read(nord: Client, shelf: str, settings: Settings) -> None:
    settings.REPORTS_MAX_WAITING = 0

    class Unread:
        """Fail when the body is read."""

        def read(self, *_: object) -> bytes:
            raise AssertionError("The body was read.")

        readline = read

    response = nord.generic(
        "POST",
        f"/v1/accounts/{shelf}/reports",
        b"",
        content_type="multipart/form-data; boundary=x",
        **{"wsgi.input": Unread(), "CONTENT_LENGTH": "1000000"},
    )

    assert response.status_code == 429


def test_agency_shows_its_limits(nord: Client, settings: Settings) -> None:
    settings.REPORTS_MAX_WAITING, settings.REPORTS_AT_ONCE = 7, 3

    limits = nord.read("/v1/agency")["upload_limits"]

    assert limits == {
        "document_bytes": settings.REPORT_MAX_BYTES,
        "reports_waiting": 7,
        "reports_at_once": 3,
        "stored_bytes": settings.DOCUMENTS_MAX_BYTES,
    }


@pytest.mark.parametrize("problem", intake_limits.PROBLEMS)
def test_limit_problems_say_what_to_do(problem: type[intake_limits.TooManyReportsWaiting]) -> None:
    assert "gain" in str(problem().detail) or "Shorten" in str(problem().detail)
