"""Load the demo agency over HTTP, once for each data folder. The next start continues an interrupted load."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from config.launcher.client import Client
from config.launcher.demo.history import Document, build_documents, build_history
from config.launcher.demo.sample_accounts import AGENCY, SAMPLE_ACCOUNTS, SampleAccount
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
from config.launcher.product import REPOSITORY, manage_command
from config.launcher.progress import Steps

UNFINISHED = {"queued", "processing"}


class DemoFailed(SystemExit):
    """Raise when the demo agency cannot be loaded."""


def open_demo(*, home: Home, environ: Mapping[str, str]) -> str:
    """Create the demo agency unless it exists, and return its API key. Raises DemoFailed."""
    return home.read_value("demo_key") or _open_agency(home=home, environ=environ)


def load_demo(
    *,
    key: str,
    processes: Processes,
    environ: Mapping[str, str],
    steps: Steps,
    on_first_answer: Callable[[], None],
) -> None:
    """Load the accounts of the demo agency.

    1. upload and load the first account, and call `on_first_answer`   2. upload and load the others
    3. upload and load the corrections

    Raises DemoFailed, and StopRequested between two documents.
    """
    home = processes.home
    if home.read_value("demo_loaded"):
        on_first_answer()
        return
    # The same moment gives the same bytes, so a second try uploads duplicates, which have no effect.
    now = datetime.fromisoformat(
        home.read_value("demo_now") or _store_moment(home, datetime.now(UTC).isoformat())
    )
    client = Client(port=int(environ["PORT"]), key=key)
    _load_accounts(client=client, now=now, processes=processes, steps=steps, on_first_answer=on_first_answer)
    # Last: a load that was interrupted before this line continues at the next start.
    home.store_value("demo_loaded", True)  # noqa: FBT003  a value of the state file


def _load_accounts(
    *, client: Client, now: datetime, processes: Processes, steps: Steps, on_first_answer: Callable[[], None]
) -> None:
    first, *others = SAMPLE_ACCOUNTS
    steps.say(f"Loading the first account, {first.name}")
    corrections = _upload(client=client, account=first, now=now, processes=processes)
    _wait_until_loaded(client=client, processes=processes, steps=steps)
    steps.finish()
    on_first_answer()
    steps.say(f"Loading {len(others)} more accounts")
    for account in others:
        steps.detail(f"uploading {account.name}")
        corrections += _upload(client=client, account=account, now=now, processes=processes)
    # Corrections wait until the rest is loaded: otherwise no breach would open and then end.
    _wait_until_loaded(client=client, processes=processes, steps=steps, to_come=len(corrections))
    for account_id, document in corrections:
        processes.watch()
        _send(client=client, account_id=account_id, document=document)
    _wait_until_loaded(client=client, processes=processes, steps=steps)


def _open_agency(*, home: Home, environ: Mapping[str, str]) -> str:
    result = subprocess.run(
        manage_command("open_agency", AGENCY, "--json"),
        cwd=REPOSITORY,
        env=dict(environ),
        capture_output=True,
        check=False,
        text=True,
    )
    if result.returncode != 0:
        raise DemoFailed(f"The demo agency could not be created:\n{result.stderr}")
    key = str(json.loads(result.stdout)["key"])
    home.store_value("demo_key", key)
    return key


def _store_moment(home: Home, now: str) -> str:
    home.store_value("demo_now", now)
    return now


def _upload(
    *, client: Client, account: SampleAccount, now: datetime, processes: Processes
) -> list[tuple[str, Document]]:
    """Upload the documents of `account`.

    Returns the ID of the account with each correction, which must be uploaded after the others are loaded.
    """

    account_id = _create_account(client=client, account=account)
    history = build_history(account=account, now=now)
    corrections: list[tuple[str, Document]] = []
    if not history.orders:
        return corrections
    for document in build_documents(history):
        # Ctrl-C stops between two documents.
        processes.watch()
        if document.is_correction:
            corrections.append((account_id, document))
        else:
            _send(client=client, account_id=account_id, document=document)
    return corrections


def _send(*, client: Client, account_id: str, document: Document) -> None:
    client.upload(
        f"/v1/accounts/{account_id}/reports", name=document.name, content=document.content, **document.fields
    )


def _create_account(*, client: Client, account: SampleAccount) -> str:
    """Create the account unless it exists, and return its ID."""
    ids = {
        existing["selling_partner_id"]: existing["id"]
        for existing in client.get("/v1/accounts", limit="100")["data"]
    }
    fields = {"name": account.name, "selling_partner_id": account.partner, "home_marketplace": account.home}
    return str(ids.get(account.partner) or client.post("/v1/accounts", fields)["id"])


def _wait_until_loaded(*, client: Client, processes: Processes, steps: Steps, to_come: int = 0) -> None:
    """Wait until every uploaded report is loaded. `to_come` reports are uploaded later. Raises DemoFailed."""
    shown = None
    while True:
        processes.watch()
        reports = list(_reports(client))
        done = sum(report["status"] not in UNFINISHED for report in reports)
        if (progress := f"{done} of {len(reports) + to_come} reports loaded") != shown:
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
