"""Run the smoke test: `python -m config.launcher.smoke`.

It starts a temporary copy of the product, loads files with known figures, and compares every figure.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

from rich.console import Console
from rich.table import Table

from config import env
from config.launcher import product, smoke_files
from config.launcher.client import Client, UnexpectedResponse
from config.launcher.embedded.home import Home
from config.launcher.embedded.log_files import tail
from config.launcher.embedded.ports import choose_port
from config.launcher.embedded.processes import Processes
from config.launcher.progress import Steps
from config.launcher.up import listen_for_signals

ODR = "order_defect_rate"


class WrongFigures(SystemExit):
    """Raise when a figure of the product differs from the files."""


@dataclass(frozen=True)
class Check:
    """Compare one figure: its name, the value in the files, and the product's value."""

    what: str
    expected: object
    actual: object

    @property
    def is_equal(self) -> bool:
        return self.expected == self.actual


def main() -> None:
    """Start, load, compare and stop. Exit with code 1 and the differing figures, if any."""
    env.check_names()
    # Logs and documents contain personal data.
    os.umask(0o077)
    steps = Steps()
    home = Home(folder=Path(tempfile.mkdtemp(prefix="underone-smoke-")))
    # Variables of an installation would make the test use its servers and its data.
    environ = {name: value for name, value in os.environ.items() if name not in product.VARIABLES}
    try:
        with Processes(home=home) as processes:
            listen_for_signals(processes)
            environ["PORT"] = str(choose_port(home=home, server="web"))
            running = product.start(processes=processes, environ=environ, say=steps.say)
            checks = list(_run_scenario(client=_client(running), processes=processes, steps=steps))
            steps.say("Stopping")
        steps.finish()
    except UnexpectedResponse as error:
        raise UnexpectedResponse(
            f"{error}\nThe last lines of the web server's log:\n{tail(home.logs / 'web.log')}"
        ) from None
    finally:
        steps.give_up()
        home.discard()
    _print(checks)
    if wrong := [check.what for check in checks if not check.is_equal]:
        raise WrongFigures(f"{len(wrong)} of {len(checks)} figures are wrong: {', '.join(wrong)}")


def _client(environ: Mapping[str, str]) -> Client:
    command = product.manage_command("open_agency", "Smoke", "--json")
    response = subprocess.run(
        command, cwd=product.REPOSITORY, env=dict(environ), stdout=subprocess.PIPE, check=True
    )
    return Client(port=int(environ["PORT"]), key=json.loads(response.stdout)["key"])


def _run_scenario(*, client: Client, processes: Processes, steps: Steps) -> Iterator[Check]:
    """Run the scenario: load orders and defects, compare, reverse two defects, and compare again."""
    today = datetime.now(UTC)
    steps.say("Loading orders, defects, shipments and messages")
    fields = {"name": "Smoke", "selling_partner_id": "A0SMOKE", "home_marketplace": "US"}
    account = client.post("/v1/accounts", fields)["id"]
    series = {"marketplace": "US", "channel": "mfn"}
    _load(
        client,
        processes,
        account,
        {
            "orders.txt": smoke_files.orders(today),
            "feedback.txt": smoke_files.feedback(today),
            "shipments.csv": smoke_files.shipments(today),
            "messages.csv": smoke_files.messages(today),
        },
    )
    # After the feedback, because a breach keeps the figures with which it opened.
    _load(client, processes, account, {"claims.csv": smoke_files.claims(today)})
    steps.say("Comparing")
    yield from _current(client, account, today)
    yield from _history(client, account, today, series)
    yield from _drill_down(client, account, today, series)
    yield from _breach(client, status="open", numerator=4)
    yield from _service(client, account)
    steps.say("Loading Amazon's account health report")
    _load(client, processes, account, {"account-health.json": smoke_files.account_health(today)})
    yield from _reported(client, account)
    steps.say("Reversing two defects")
    _load(client, processes, account, {"claims-decided.csv": smoke_files.decisions(today)})
    yield from _breach(client, status="resolved", numerator=4)
    value = _values(client, account, today)["mfn"]
    yield Check("after the reversal: defects / orders", (2, 250), (value["numerator"], value["denominator"]))
    yield Check("after the reversal: target met", True, value["meets_target"])  # noqa: FBT003


def _current(client: Client, account: str, today: datetime) -> Iterator[Check]:
    values = _values(client, account, today)
    own, amazons = values["mfn"], values["afn"]
    parts = {"negative_feedback": 2, "a_to_z_claims": 2, "chargebacks": 1}
    yield Check(
        "window",
        [smoke_files.day(today, 74), smoke_files.day(today, 15)],
        [own["window"]["from"], own["window"]["to"]],
    )
    yield Check("seller-fulfilled: defects / orders", (4, 250), (own["numerator"], own["denominator"]))
    yield Check("seller-fulfilled: rate", 0.016, own["rate"])
    yield Check("seller-fulfilled: parts", parts, {name: own["parts"][name] for name in parts})
    yield Check("seller-fulfilled: status", "breached", own["status"])
    yield Check("Amazon-fulfilled: defects / orders", (0, 50), (amazons["numerator"], amazons["denominator"]))
    yield Check("Amazon-fulfilled: status", "healthy", amazons["status"])


def _history(client: Client, account: str, today: datetime, series: dict[str, str]) -> Iterator[Check]:
    """Compare the history.

    Yesterday's window has one order fewer at its end and five more at its beginning.
    """
    span = {"from": smoke_files.day(today, 1), "to": smoke_files.day(today, 0)}
    response = client.get(f"/v1/accounts/{account}/metrics/{ODR}/history", **series, **span)
    points = [(point["as_of"], point["numerator"], point["denominator"]) for point in response["points"]]
    yield Check("history", [(smoke_files.day(today, 1), 4, 254), (smoke_files.day(today, 0), 4, 250)], points)


def _drill_down(client: Client, account: str, today: datetime, series: dict[str, str]) -> Iterator[Check]:
    path = f"/v1/accounts/{account}/metrics/{ODR}/orders"
    response = client.get(path, **series, as_of=smoke_files.day(today, 0), counted="true")
    counted = dict(sorted((order["order_id"], len(order["defects"])) for order in response["data"]))
    defects = {
        smoke_files.ONE_STAR: 1,
        smoke_files.TWO_STARS: 2,
        smoke_files.CLAIMED: 1,
        smoke_files.CHARGED: 1,
    }
    expected = {smoke_files.order_id(order): number for order, number in defects.items()}
    yield Check("counted orders and their defects", expected, counted)


def _breach(client: Client, *, status: str, numerator: int) -> Iterator[Check]:
    listed = client.get("/v1/breaches")["data"]
    order_defects = [breach for breach in listed if (breach["metric"], breach["level"]) == (ODR, "breach")]
    breaches = [
        (breach["channel"], breach["status"], breach["numerator"], breach["denominator"])
        for breach in order_defects
    ]
    yield Check(f"breach {status}", [("mfn", status, numerator, 250)], breaches)


def _service(client: Client, account: str) -> Iterator[Check]:
    """Compare the other metrics.

    Of 50 packages, two are late, which is exactly the 4 % that must not be reached; three are unscanned, and
    one is delivered late.
    """

    expected = {
        "late_shipment_rate_30d": (2, 50, "breached"),
        "pre_fulfillment_cancel_rate": (1, 41, "at_risk"),
        "valid_tracking_rate": (47, 50, "breached"),
        "on_time_delivery_rate": (92, 94, "healthy"),
        "message_response_rate_24h": (8, 9, "breached"),
    }
    figures = _figures(client, account)
    for metric, figure in expected.items():
        yield Check(metric.replace("_", " "), figure, figures[metric])


def _reported(client: Client, account: str) -> Iterator[Check]:
    """Compare the reported figures.

    Amazon's report sets a target of 5 % for late shipments. The rate of 4 % is more than three quarters of
    it.
    """
    figures = _figures(client, account)
    yield Check("late shipments under Amazon's target", (2, 50, "at_risk"), figures["late_shipment_rate_30d"])
    yield Check(
        "policy violations, reported by Amazon", (2, 1, "breached"), figures["listing_policy_violations"]
    )
    yield Check(
        "account health rating, reported by Amazon", (340, 1, "healthy"), figures["account_health_rating"]
    )
    statuses = client.get(f"/v1/accounts/{account}")["amazon_statuses"]
    yield Check("account status, reported by Amazon", "AT_RISK", statuses["US"]["status"])


def _figures(client: Client, account: str) -> dict[str, tuple[int, int, str]]:
    response = client.get(f"/v1/accounts/{account}/metrics", marketplace="US")
    return {
        value["metric"]: (value["numerator"], value["denominator"], value["status"])
        for value in response["metrics"]
        if value["channel"] != "afn"
    }


def _values(client: Client, account: str, today: datetime) -> dict[str, Any]:
    response = client.get(
        f"/v1/accounts/{account}/metrics", metric=ODR, marketplace="US", as_of=smoke_files.day(today, 0)
    )
    return {value["channel"]: value for value in response["metrics"]}


def _load(client: Client, processes: Processes, account: str, contents: Mapping[str, str]) -> None:
    uploads = [
        client.upload(f"/v1/accounts/{account}/reports", name=name, content=text.encode())
        for name, text in contents.items()
    ]
    for upload in uploads:
        while (report := client.get(f"/v1/reports/{upload['id']}"))["status"] in {"queued", "processing"}:
            processes.watch()
            sleep(0.2)
        if report["status"] != "loaded" or report["rows"]["rejected"]:
            raise WrongFigures(f"A report was not loaded: {json.dumps(report, indent=2)}")


def _print(checks: list[Check]) -> None:
    table = Table("", "figure", "expected", "actual")
    for check in checks:
        table.add_row("✓" if check.is_equal else "✗", check.what, str(check.expected), str(check.actual))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    main()
