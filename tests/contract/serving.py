"""Serve the tests' database with a web server process, for an agency with rows in every table."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from config.launcher import product
from config.launcher.embedded.home import Home
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.client import Client
from tests.installation import Installation, wait_until


@dataclass(frozen=True)
class Served:
    """Store the address of the server, an API key, and the IDs of its resources."""

    url: str
    client: Client
    has: AgencyIds

    @property
    def document(self) -> str:
        return f"{self.url}/v1/openapi.json"

    @property
    def key(self) -> str:
        return self.client.key


@contextmanager
def serving(*, place: Path, **environ: str) -> Iterator[Served]:
    """Serve with one web process, without workers, until the block ends."""
    client = Client(*agencies.create_agency(name="Contract", now=timezone.now()))
    has = create_agency_data(client, name="contract")
    home = Home(folder=place)
    # As on one machine: without a place for e-mails, operations that send them answer 503.
    mails = f"folder:{product.mail_folder(home.folder)}"
    installation = Installation(home=home, environ={"WEB_WORKERS": "1", "EMAIL_URL": mails} | environ)
    try:
        installation.start_again("web")
        wait_until(lambda: product.is_healthy(installation.port))
        yield Served(url=f"http://127.0.0.1:{installation.port}", client=client, has=has)
    finally:
        installation.stop()
        home.release()


def run(
    command: list[str], *, folder: Path, seconds: float, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder of its own, and return its output."""
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
