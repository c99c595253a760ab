"""Build export archives, and read them as a recipient does."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from api import identifiers
from ingestion.exports import tasks
from tests.client import Client


@dataclass(frozen=True)
class Archive:
    """Represent a downloaded archive."""

    content: bytes

    @property
    def zip(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(self.content))

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads(self.zip.read("manifest.json")))

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a file."""
        return [json.loads(line) for line in self.zip.read(f"{name}.jsonl").decode().splitlines()]

    def faults(self) -> list[str]:
        """Return the names of files that do not match the manifest."""
        exported = {each["name"]: each for each in self.manifest["files"]}
        stored = {name: self.zip.read(name) for name in self.zip.namelist() if name != "manifest.json"}
        wrong = [
            name
            for name, content in stored.items()
            if hashlib.sha256(content).hexdigest() != exported[name]["sha256"]
            or len(content) != exported[name]["size"]
            or content.count(b"\n") != exported[name].get("rows", content.count(b"\n"))
        ]
        return wrong + sorted(exported.keys() ^ stored.keys())


def request_export(client: Client, **fields: Any) -> str:
    """Create an export and return its ID."""
    response = client.post("/v1/exports", fields, format="json")
    assert response.status_code == 202, response.content
    return str(response.json()["id"])


def build_archive(client: Client, export: str) -> None:
    """Build the archive as a worker does."""
    export_id = identifiers.private("exp", export)
    tasks.make_export(agency_id=str(client.agency.pk), export_id=str(export_id))


def download_archive(client: Client, export: str) -> Archive:
    """Download the archive."""
    response = client.get(f"/v1/exports/{export}/archive")
    assert response.status_code == 200, response.content
    content = response.getvalue()
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["Content-Disposition"] == f'attachment; filename="{export}.zip"'
    response.close()
    return Archive(content)


def export_archive(client: Client, **fields: Any) -> Archive:
    """Create an export, build it and download its archive."""
    export = request_export(client, **fields)
    build_archive(client, export)
    return download_archive(client, export)
