"""Every operation of the API, as its OpenAPI document tells, and how a test fills it."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests import build, clock
from tests.client import Client
from tests.walls.furnishing import Furnished

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
FREE = {"metric": "order_defect_rate"}
"""Parts of paths that belong to nobody."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/accounts"): {"name": "New", "selling_partner_id": "A1NEW", "home_marketplace": "US"},
    ("POST", "/v1/accounts/bulk"): {"accounts": [{"name": "Many", "selling_partner_id": "A1MANY", "home_marketplace": "US"}]},
    ("PATCH", "/v1/accounts/{account_id}"): {"name": "Renamed"},
    ("POST", "/v1/api-keys"): {"name": "New"},
    ("PATCH", "/v1/api-keys/{key_id}"): {"name": "Renamed"},
    ("POST", "/v1/api-keys/{key_id}/rotate"): {"overlap_seconds": 60},
    ("POST", "/v1/tokens"): {"expires_in": 60},
    ("PATCH", "/v1/agency"): {"document_retention_days": 60},
    ("DELETE", "/v1/agency"): {"confirm": "close {its name}"},
    ("POST", "/v1/exports"): {"documents": True},
    ("PUT", "/v1/thresholds"): {"metric": "return_rate", "warn_at": 0.3},
    ("PUT", "/v1/thresholds/{threshold_id}"): {"warn_at": 0.1},
    ("POST", "/v1/breaches/{breach_id}/acknowledge"): {"note": "Seen"},
    ("POST", "/v1/breaches/{breach_id}/snooze"): {"until": (clock.NOW + timedelta(days=1)).isoformat()},
    ("POST", "/v1/breaches/{breach_id}/assign"): {"to": "mei"},
    ("POST", "/v1/breaches/{breach_id}/notes"): {"text": "Called"},
    ("POST", "/v1/webhook-endpoints"): {"url": "https://new.example/hooks"},
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): {"event_types": ["breach.*"]},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/test"): {"event_type": "breach.opened"},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/recover"): {"since": clock.NOW.isoformat()},
    ("POST", "/v1/accounts/{account_id}/defects"): {"defects": [build.defect(order=build.order_id(1))]},
    ("PATCH", "/v1/members/{member_id}"): {"role": "viewer"},
    ("POST", "/v1/invitations"): {"email": "new@acme.example", "role": "viewer"},
    ("POST", "/v1/accounts/{account_id}/reports"): {"file": build.orders_file([build.order_row()])},
}
"""What each operation that takes a body is sent. A `file` goes as multipart; `{its name}` is replaced by that of the agency."""


@dataclass(frozen=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """Its JSON object; an empty one where it is none."""
        return dict(json.loads(self.text)) if self.headers["Content-Type"].endswith("json") else {}


def read(response: Any) -> Answer:
    """The answer as it arrived; the file that it may stream is closed."""
    content = response.getvalue() if response.streaming else response.content
    if response.streaming:
        response.close()
    return Answer(response.status_code, response.headers, content.decode())


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    needs_key: bool
    takes_body: bool
    parameters: tuple[str, ...]
    role: str = ""
    is_of_all: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        """The parts of the path that name something of an agency's."""
        return [name for name in re.findall(r"{(\w+)}", self.path) if name not in FREE]

    def ask(self, client: Client, has: Furnished | dict[str, str], **more: str) -> Answer:
        """The answer to this operation on what somebody `has`. Raises KeyError for a part or body that nobody knows."""
        known = FREE | (asdict(has) if isinstance(has, Furnished) else has)
        path = self.path.format_map(known)
        if self.method == "GET":
            return read(client.get(path, more))
        wanted = BODIES[self.method, self.path] if self.takes_body else {}
        body: dict[str, Any] = {name: named(value, client) for name, value in wanted.items()}
        form = "multipart" if "file" in body else "json"
        if "file" in body:
            body["file"] = io.BytesIO(body["file"])
        return read(getattr(client, self.method.lower())(path, body, format=form))


def named(value: Any, client: Client) -> Any:
    """A value of a body, with the name of the agency where it wants it."""
    return value.replace("{its name}", client.agency.name) if isinstance(value, str) else value


def rights(description: str) -> dict[str, Any]:
    """What the document says that an operation wants of who asks."""
    found = re.search(r"^Role: (\w+)(, with no limit to some accounts)?\.$", description, flags=re.MULTILINE)
    return {"role": found[1], "is_of_all": bool(found[2])} if found else {}


def operations() -> list[Operation]:
    """Every operation that the document describes."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return [
        Operation(
            method.upper(),
            path,
            needs_key=any("apiKey" in each for each in described.get("security", ())),
            takes_body="requestBody" in described,
            **rights(described.get("description", "")),
            parameters=tuple(each["name"] for each in described.get("parameters", ()) if each.get("in") == "query"),
        )
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if method.upper() in METHODS
    ]


DOCUMENTED = operations()
OPERATIONS = [operation for operation in DOCUMENTED if operation.needs_key]
"""For tables of cases."""
