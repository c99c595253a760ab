"""Load the demo agency over HTTP, once for each data folder.

An interrupted load continues at the next start.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from config.launcher.client import Client
from config.launcher.demo.cast import AGENCY, CAST, Shop
from config.launcher.demo.scenario import Document, documents_of, story_of
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
from config.launcher.product import REPOSITORY, manage_command
from config.launcher.progress import Steps

UNDECIDED = {"queued", "processing"}


class DemoFailed(SystemExit):
    """Raise when the demo agency cannot be loaded."""


def fill(*, processes: Processes, environ: Mapping[str, str], steps: Steps) -> str:
    """Load the demo agency, and return its API key. Raises DemoFailed."""
    home = processes.home
    key = home.recall("demo_key") or _open_agency(home=home, environ=environ)
    if home.recall("demo_loaded"):
        return key
    # The same moment gives the same bytes, so a second try uploads duplicates, which have no effect.
    now = datetime.fromisoformat(home.recall("demo_now") or _remembered(home, datetime.now(UTC).isoformat()))
    client = Client(port=int(environ["PORT"]), key=key)
    steps.say("Loading the demo data: eight accounts, two years of orders")
    late = [upload for shop in CAST for upload in _upload(client=client, shop=shop, now=now, steps=steps)]
    _wait_until_loaded(client=client, processes=processes, steps=steps)
    for account, document in late:
        _send(client=client, account=account, document=document)
    _wait_until_loaded(client=client, processes=processes, steps=steps)
    home.remember("demo_loaded", True)  # noqa: FBT003  a word of the state file
    return key


def _open_agency(*, home: Home, environ: Mapping[str, str]) -> str:
    answer = subprocess.run(
        manage_command("open_agency", AGENCY, "--json"),
        cwd=REPOSITORY,
        env=dict(environ),
        capture_output=True,
        check=False,
        text=True,
    )
    if answer.returncode != 0:
        raise DemoFailed(f"The demo agency could not be created:\n{answer.stderr}")
    key = str(json.loads(answer.stdout)["key"])
    home.remember("demo_key", key)
    return key


def _remembered(home: Home, now: str) -> str:
    home.remember("demo_now", now)
    return now


def _upload(*, client: Client, shop: Shop, now: datetime, steps: Steps) -> Iterator[tuple[str, Document]]:
    """Upload the documents of `shop`.

    Yields the account with each document that must wait until the others are loaded.
    """

    account = _account(client=client, shop=shop)
    story = story_of(shop=shop, now=now)
    if not story.orders:
        return
    steps.detail(f"uploading {shop.name}: {len(story.orders)} orders")
    for document in documents_of(story):
        if document.waits:
            yield account, document
        else:
            _send(client=client, account=account, document=document)


def _send(*, client: Client, account: str, document: Document) -> None:
    client.upload(
        f"/v1/accounts/{account}/reports", name=document.name, content=document.content, **document.fields
    )


def _account(*, client: Client, shop: Shop) -> str:
    known = {
        account["selling_partner_id"]: account["id"]
        for account in client.get("/v1/accounts", limit="100")["data"]
    }
    fields = {"name": shop.name, "selling_partner_id": shop.partner, "home_marketplace": shop.home}
    return str(known.get(shop.partner) or client.post("/v1/accounts", fields)["id"])


def _wait_until_loaded(*, client: Client, processes: Processes, steps: Steps) -> None:
    shown = None
    while True:
        processes.watch()
        reports = list(_reports(client))
        done = sum(report["status"] not in UNDECIDED for report in reports)
        if (progress := f"{done} of {len(reports)} reports loaded") != shown:
            steps.detail(progress)
            shown = progress
        if done == len(reports):
            break
        time.sleep(0.5)
    for report in reports:
        if report["status"] != "loaded" or report["rows"]["rejected"]:
            raise DemoFailed(f"A report of the demo data was not loaded: {json.dumps(report, indent=2)}")


def _reports(client: Client) -> Iterator[dict[str, Any]]:
    for account in client.get("/v1/accounts", limit="100")["data"]:
        yield from client.get(f"/v1/accounts/{account['id']}/reports", limit="100")["data"]
