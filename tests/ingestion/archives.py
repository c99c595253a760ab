"""Archives as their readers open them."""

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
class Packed:
    """An archive that was taken away."""

    content: bytes

    @property
    def zip(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(self.content))

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads(self.zip.read("manifest.json")))

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What a file of the archive tells."""
        return [json.loads(line) for line in self.zip.read(f"{name}.jsonl").decode().splitlines()]

    def faults(self) -> list[str]:
        """Files that are not what the manifest says of them."""
        told = {each["name"]: each for each in self.manifest["files"]}
        held = {name: self.zip.read(name) for name in self.zip.namelist() if name != "manifest.json"}
        wrong = [
            name
            for name, content in held.items()
            if hashlib.sha256(content).hexdigest() != told[name]["sha256"]
            or len(content) != told[name]["size"]
            or content.count(b"\n") != told[name].get("rows", content.count(b"\n"))
        ]
        return wrong + sorted(told.keys() ^ held.keys())


def ask(client: Client, **wish: Any) -> str:
    """The id of an archive that is going to be made."""
    response = client.post("/v1/exports", wish, format="json")
    assert response.status_code == 202, response.content
    return str(response.json()["id"])


def make(client: Client, export: str) -> None:
    """What a worker does."""
    export_id = identifiers.private("exp", export)
    tasks.make_export(agency_id=str(client.agency.pk), export_id=str(export_id))


def take(client: Client, export: str) -> Packed:
    """The archive as it is downloaded."""
    response = client.get(f"/v1/exports/{export}/archive")
    assert response.status_code == 200, response.content
    content = response.getvalue()
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["Content-Disposition"] == f'attachment; filename="{export}.zip"'
    response.close()
    return Packed(content)


def pack(client: Client, **wish: Any) -> Packed:
    """An archive, from the asking to the taking away."""
    export = ask(client, **wish)
    make(client, export)
    return take(client, export)
