"""Send whole HTTP requests with an agency's API key."""

import json
from typing import Any, ClassVar
from unittest import mock

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import setting_changed
from django.db import connection
from django.dispatch import receiver
from rest_framework.test import APIClient, ForceAuthClientHandler
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.models import Agency
from accounts.tenancy import context
from api import identifiers
from ingestion import tasks
from ingestion.models import Report
from tests.recorded_logs import recorded_logs

# Of the settings, those that decide which static files are served, and how, besides STATIC… and WHITENOISE….
NAMES_STATIC_FILES = {"DEBUG", "FORCE_SCRIPT_NAME", "INSTALLED_APPS", "STORAGES"}


class Handler(ForceAuthClientHandler):
    """Load the middleware once for all clients, until a setting changes, and list the static files once."""

    loaded: ClassVar[dict[str, Any]] = {}
    static_files: ClassVar[dict[str, Any]] = {}

    def load_middleware(self, is_async: bool = False) -> None:
        if not self.loaded:
            before = set(vars(self))
            with mock.patch.object(WhiteNoiseMiddleware, "add_files_from_finders", _add_static_files):
                super().load_middleware(is_async)
            self.loaded.update((name, value) for name, value in vars(self).items() if name not in before)
        vars(self).update(self.loaded)


list_static_files = WhiteNoiseMiddleware.add_files_from_finders


def _add_static_files(middleware: WhiteNoiseMiddleware) -> None:
    """Add the files that were listed before: listing them takes longer than everything else."""
    if not Handler.static_files:
        list_static_files(middleware)
        Handler.static_files.update(middleware.files)
    middleware.files.update(Handler.static_files)


@receiver(setting_changed)
def _load_again(*, setting: str, **_: object) -> None:
    Handler.loaded.clear()
    if setting in NAMES_STATIC_FILES or setting.startswith(("STATIC", "WHITENOISE")):
        Handler.static_files.clear()


class Client(APIClient):
    """Send every request without a tenant context, as in production."""

    def __init__(self, agency: Agency, key: str) -> None:
        super().__init__()
        self.handler = Handler()
        self.agency, self.key = agency, key
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        if connection.in_atomic_block:
            context.set_agency(None)
        response = super().generic(*args, **kwargs)
        if response.headers.get("Content-Type", "").startswith("application/problem+json"):
            recorded_logs.problems.append(response.content.decode())
        return response

    def take_on(self, *, name: str = "Shop", partner: str = "A1SHOP", home: str = "US") -> str:
        """Create an account and return its ID."""
        body = {"name": name, "selling_partner_id": partner, "home_marketplace": home}
        response = self.post("/v1/accounts", body, format="json")
        assert response.status_code == 201, response.content
        return str(response.json()["id"])

    def send(self, account: str, document: bytes, **fields: str) -> Any:
        """Upload a document; the answer as it came."""
        file = SimpleUploadedFile("report.txt", document)
        return self.post(f"/v1/accounts/{account}/reports", {"file": file} | fields, format="multipart")

    def load(self, account: str, document: bytes, **fields: str) -> dict[str, Any]:
        """Upload a document and let a worker load it; returns the report."""
        response = self.send(account, document, **fields)
        assert response.status_code in {200, 202}, response.content
        return self._worked(response.json()["id"])

    def post_defects(self, account: str, *defects: dict[str, Any]) -> dict[str, Any]:
        """Post defects and let a worker load them; returns the report."""
        response = self.post(f"/v1/accounts/{account}/defects", {"defects": defects}, format="json")
        assert response.status_code == 202, response.content
        return self._worked(response.json()["id"])

    def post_facts(self, account: str, **lists: list[dict[str, Any]]) -> dict[str, Any]:
        """Post facts and let a worker load them; returns the report."""
        response = self.post(f"/v1/accounts/{account}/facts", lists, format="json")
        assert response.status_code == 202, response.content
        return self._worked(response.json()["id"])

    def listen(self, **fields: Any) -> dict[str, Any]:
        """Create a webhook endpoint and return it with its secret."""
        response = self.post(
            "/v1/webhook-endpoints", {"url": "https://hooks.example.com/in"} | fields, format="json"
        )
        assert response.status_code == 201, response.content
        return dict(response.json())

    def read(self, path: str, **parameters: Any) -> Any:
        """Return the JSON of a path that must answer 200."""
        response = self.get(path, parameters)
        assert response.status_code == 200, response.content
        return json.loads(response.content)

    def odr(
        self, account: str, *, channel: str = "mfn", marketplace: str = "US", **at: Any
    ) -> dict[str, Any]:
        """Return the order defect rate of one series."""
        where = {"channel": channel, "marketplace": marketplace, "metric": "order_defect_rate"}
        (value,) = self.read(f"/v1/accounts/{account}/metrics", **where, **at)["metrics"]
        return dict(value)

    def _worked(self, report: str) -> dict[str, Any]:
        report_id = identifiers.private("rpt", report)
        with context.agency(self.agency.pk):
            waiting = Report.objects.filter(
                agency=self.agency, pk=report_id, status=Report.Status.QUEUED
            ).exists()
        if waiting:
            tasks.load_report()
        return dict(self.read(f"/v1/reports/{report}"))
