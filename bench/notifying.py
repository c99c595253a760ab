"""Measure seconds from an accepted upload to its webhook, with web, workers and scheduler as in production.

Each upload is posted after the previous webhook arrived, so the product is idle. The reference is the goal of
one second.
"""

import json
import os
import statistics
import time
import urllib.request
from uuid import uuid4

import bench
from tests.webhooks.receiver_process import Receiver, running

UPLOADS = 100
GOAL = 1.0


def main() -> None:
    with bench.installation(), running() as receiver:
        waits = _waits(receiver)
    p95 = statistics.quantiles(waits, n=20)[-1]
    bench.show(
        measure=f"seconds from upload accepted to webhook received, p95 of {len(waits)} / seconds allowed",
        own=p95,
        reference=GOAL,
        ratio=p95 / GOAL,
        goal=f"<= {GOAL} s",
        meets=p95 <= GOAL,
    )


def _waits(receiver: Receiver) -> list[float]:
    from bench.events import delivered_at  # noqa: PLC0415  Django is set up only now

    account, key = delivered_at(receiver.url("ok/uploads"))
    waits = []
    for n in range(UPLOADS):
        accepted = _upload(account, key, _health(n))
        waits.append(_received(receiver, n + 1) - accepted)
    return waits


def _health(n: int) -> bytes:
    """Return an account health report with another status each time."""
    figures = {
        "marketplaceId": "ATVPDKIKX0DER",
        "otherPolicyViolations": {"defectsCount": n, "status": "BAD"},
    }
    status = {"marketplaceId": "ATVPDKIKX0DER", "status": ("AT_RISK", "NORMAL")[n % 2]}
    return json.dumps({"accountStatuses": [status], "performanceMetrics": [figures]}).encode()


def _upload(account: str, key: str, document: bytes) -> float:
    """Upload a report, and return when it was accepted."""
    boundary = uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="health.json"\r\n\r\n'.encode()
    request = urllib.request.Request(
        f"http://localhost:{os.environ['PORT']}/v1/accounts/{account}/reports",
        data=head + document + f"\r\n--{boundary}--\r\n".encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        report = json.load(answer)
        # Both are times of day, because the receiver is a process of its own and writes them down.
        accepted = time.time()
    if report["status"] not in {"queued", "processing"}:
        raise RuntimeError(f"The upload was not accepted: {report}")
    return accepted


def _received(receiver: Receiver, count: int) -> float:
    """Return when `count` events had been received."""
    for _ in range(3000):
        arrivals = [
            each
            for each in receiver.received()
            if json.loads(each["body"])["type"] == "account.status_changed"
        ]
        if len(arrivals) >= count:
            return float(arrivals[count - 1]["at"])
        time.sleep(0.01)
    raise RuntimeError("No webhook came.")


if __name__ == "__main__":
    main()
