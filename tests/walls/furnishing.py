"""An agency of which every table has something."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts import scoping
from accounts.models import Agency
from tests import build
from tests.client import Client


@dataclass(frozen=True)
class Furnished:
    """The public ids of what an agency has, by the name that paths give them."""

    account_id: str
    report_id: str
    breach_id: str


def furnish(client: Client, *, name: str) -> Furnished:
    """Orders that changed, a defect that changed, rows that were rejected, a breach, and a choice of denominator.

    `name` is in everything that an agency can name, so that it can be looked for in the answers to others.
    """
    ordered = datetime.now(UTC) - timedelta(days=30)
    orders = build.orders_on(ordered, count=10)
    account = client.take_on(name=f"Shop of {name}", partner=f"A1{name.upper()}")
    client.load(account, build.orders_file(orders))
    cancelled = orders[0] | {"order-status": "Cancelled", "last-updated-date": datetime.now(UTC).isoformat()}
    unusable = [orders[1] | {"amazon-order-id": f"{name} {n}"} for n in (1, 2)]
    report = client.load(account, build.orders_file([cancelled, *unusable]))
    with scoping.agency(client.agency.pk):
        Agency.objects.update(counts_pending_and_cancelled=True)
    for state in ("pending", "granted"):
        claim = build.defect(order=build.order_id(2), kind="a_to_z_claim", state=state, reference=f"Claim of {name}")
        client.post_defects(account, claim)
    breach = client.read("/v1/breaches")["data"][0]
    return Furnished(account_id=account, report_id=report["id"], breach_id=breach["id"])
