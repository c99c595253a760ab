"""Create an agency with rows in every table."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Agency, Member, Person, Role
from accounts.tenancy import context
from api import identifiers
from ingestion.exports import lifecycle as exports
from ingestion.models import Export
from metrics import tasks
from metrics.models import CarriedCounts
from metrics.rules.catalogue.definitions import COUNTS
from tests import build
from tests.client import Client
from tests.metrics.fact_recorder import FactRecorder, listing
from webhooks.models import Attempt, Delivery


@dataclass(frozen=True)
class AgencyIds:
    """Store the public IDs of an agency's resources, by the names of path parameters."""

    account_id: str
    report_id: str
    breach_id: str
    threshold_id: str
    endpoint_id: str
    delivery_id: str
    key_id: str
    member_id: str
    invitation_id: str
    export_id: str


def build_changed_documents(day: str) -> Iterator[bytes]:
    """Build shipments, returns and messages that change, and Amazon's reports of an account at risk."""
    order = build.order_id(3)
    for late in ("no", "yes"):
        yield f"order_id,package,ship_by,shipped_at,cancelled_by\n{order},P1,{day},{day},{'buyer' * (late == 'yes')}\n".encode()
        yield (
            "order_id,requested_at,reference,negative_feedback,sku,quantity\n"
            f"{order},{day},R1,{late},th1218,{len(late)}\n"
        ).encode()
        yield f"message_id,received_at,no_response_needed\nM1,{day}T12:00:00Z,{late}\n".encode()
    figures = {
        "marketplaceId": "ATVPDKIKX0DER",
        "otherPolicyViolations": {"defectsCount": 3, "status": "BAD"},
    }
    for status in ("AT_RISK", "NORMAL"):
        statuses = [{"marketplaceId": "ATVPDKIKX0DER", "status": status}]
        yield json.dumps({"accountStatuses": statuses, "performanceMetrics": [figures]}).encode()


def create_endpoint(client: Client, account: str, *, name: str) -> tuple[str, str]:
    """Create an endpoint with deliveries, one of them failed. Return the IDs of the endpoint and this delivery."""

    created = client.listen(
        url=f"https://{name}.example/hooks", description=f"Hooks of {name}", accounts=[account]
    )
    endpoint = str(created["id"])
    since = {"since": (timezone.now() - timedelta(days=1)).isoformat()}
    assert (
        client.post(f"/v1/webhook-endpoints/{endpoint}/recover", since, format="json").json()["deliveries"]
        > 1
    )
    now = timezone.now()
    with context.agency(client.agency.pk):
        failed = Delivery.objects.filter(agency=client.agency).latest("id")
        Attempt.objects.create(
            agency=client.agency, delivery=failed, attempted_at=now, duration_ms=7, answer=f"{name} is down"
        )
        finished = {"state": Delivery.State.FAILED, "next_attempt_at": None, "finished_at": now, "tries": 1}
        Delivery.objects.filter(agency=client.agency, pk=failed.pk).update(**finished)
    return endpoint, failed.public_id


def create_member(client: Client, *, name: str) -> str:
    """Create a member of the agency and return its ID."""
    now = timezone.now()
    person = Person.objects.create(
        email=f"mei.{secrets.token_hex(4)}@{name}.example", name=f"Mei of {name}", created_at=now
    )
    with context.agency(client.agency.pk):
        member = Member.objects.create(agency=client.agency, person=person, role=Role.MANAGER, created_at=now)
    return member.public_id


def create_invitation(client: Client, *, email: str) -> str:
    """Invite `email` and return the ID of the invitation."""
    response = client.post("/v1/invitations", {"email": email, "role": "viewer"}, format="json")
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def create_export(client: Client, account: str, *, name: str) -> str:
    """Create an export of the account with a ready archive, and return its ID."""
    export = str(client.post("/v1/exports", {"account": account}, format="json").json()["id"])
    content = f"All that {name} has".encode()
    now = timezone.now()
    with context.agency(client.agency.pk):
        archive = default_storage.save(
            f"{exports.storage_folder(client.agency.pk)}/{export}", ContentFile(content)
        )
        ready = {
            "ready_at": now,
            "expires_at": now + exports.RETENTION,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        queued = Export.objects.filter(agency=client.agency, status=Export.Status.QUEUED)
        queued.update(status=Export.Status.READY, document=archive, size=len(content), **ready)
    return export


def create_agency_data(client: Client, *, name: str, partner: str = "") -> AgencyIds:
    """Create orders and a defect that change, rejected rows, a breach, a threshold and all other resources.

    `name` is part of every name that an agency can choose, so that responses can be searched for it.
    """

    ordered = timezone.now() - timedelta(days=30)
    orders = build.orders_on(ordered, count=10)
    for number, sku in ((6, "Cup"), (7, "Pad")):
        orders[number]["sku"] = f"{sku} of {name}"
    account = client.take_on(name=f"Shop of {name}", partner=partner or f"A1{name.upper()}")
    client.load(account, build.orders_file(orders))
    cancelled = orders[0] | {
        "order-status": "Cancelled",
        "item-status": "Cancelled",
        "last-updated-date": timezone.now().isoformat(),
    }
    rejected = [orders[1] | {"amazon-order-id": f"{name} {n}"} for n in (1, 2)]
    report = client.load(account, build.orders_file([cancelled, *rejected]))
    with context.agency(client.agency.pk):
        Agency.objects.update(counts_pending_and_cancelled=True)
        carried = dict.fromkeys(COUNTS, 0) | {"marketplace": "US", "channel": "mfn", "day": ordered.date()}
        CarriedCounts.objects.create(
            agency_id=client.agency.pk, account_id=identifiers.private("acct", account), **carried
        )
    for state in ("pending", "granted"):
        claim = build.defect(
            order=build.order_id(2), kind="a_to_z_claim", state=state, reference=f"Claim of {name}"
        )
        # Of orders that are in no report.
        lost = [
            build.defect(
                order=build.order_id(900 + number),
                kind="chargeback",
                state="service",
                reference=f"Lost {number} of {name}",
            )
            for number in (1, 2)
        ]
        client.post_defects(account, claim, *lost)
    # No report type states listings yet.
    recorder = FactRecorder.for_account(client, account)
    for quantity in (1, 0):
        recorder.record(listing(quantity=quantity), at=timezone.now())
    client.load(account, build.delivered_packages(orders[6:8]))
    for document in build_changed_documents(ordered.date().isoformat()):
        client.load(account, document)
    seen = ordered.strftime("%m/%d/%y")
    feedback = build.feedback_file([build.feedback_row(order=build.order_id(4), on=seen)])
    client.load(
        account, feedback, period_from=ordered.date().isoformat(), period_to=ordered.date().isoformat()
    )
    threshold = client.put(
        "/v1/thresholds", {"metric": "return_rate", "account": account, "warn_at": 0.2}, format="json"
    ).json()
    tasks.apply_thresholds(agency_id=str(client.agency.pk))
    breach = client.read("/v1/breaches", account=account, status="open")["data"][0]
    note = {"text": f"A note of {name}"}
    client.post(
        f"/v1/breaches/{breach['id']}/notes", note, format="json", HTTP_IDEMPOTENCY_KEY=f"note-of-{name}"
    )
    endpoint, delivery = create_endpoint(client, account, name=name)
    key = client.post("/v1/api-keys", {"name": f"Key of {name}"}, format="json").json()
    return AgencyIds(
        account_id=account,
        report_id=report["id"],
        breach_id=breach["id"],
        threshold_id=threshold["id"],
        endpoint_id=endpoint,
        delivery_id=delivery,
        key_id=key["id"],
        member_id=create_member(client, name=name),
        invitation_id=create_invitation(client, email=f"someone.{secrets.token_hex(4)}@{name}.example"),
        export_id=create_export(client, account, name=name),
    )
