"""List the operations of the OpenAPI document, and send them with paths and bodies filled in."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests import build, clock
from tests.architecture.agency_data import AgencyIds
from tests.client import Client

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Parts of paths that belong to no agency.
SHARED_PARTS = {"metric": "order_defect_rate"}

# The body of each operation that takes one. A `file` is sent as multipart; `{its name}` stands for the
# agency's name.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/accounts"): {"name": "New", "selling_partner_id": "A1NEW", "home_marketplace": "US"},
    ("POST", "/v1/accounts/bulk"): {
        "accounts": [{"name": "Many", "selling_partner_id": "A1MANY", "home_marketplace": "US"}]
    },
    ("PATCH", "/v1/accounts/{account_id}"): {"name": "Renamed"},
    ("POST", "/v1/accounts/{account_id}/corrections"): {"selling_partner_id": "A1RIGHT"},
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
    ("POST", "/v1/accounts/{account_id}/facts"): {
        "messages": [{"message_id": "M1", "received_at": "2026-10-20T12:00:00Z"}]
    },
    ("PATCH", "/v1/members/{member_id}"): {"role": "viewer"},
    ("POST", "/v1/invitations"): {"email": "new@acme.example", "role": "viewer"},
    ("POST", "/v1/accounts/{account_id}/reports"): {"file": build.orders_file([build.order_row()])},
}


OF_MAILBOXES = {"POST /v1/webhook-endpoints/{endpoint_id}/send-confirmation"}
"""Operations that only e-mail endpoints accept. The endpoint of an agency's data is a webhook
(tests/webhooks/endpoints/test_confirmation.py sends them)."""


@dataclass(frozen=True)
class Response:
    """Hold a response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """Return the JSON object; an empty one for other content."""
        return dict(json.loads(self.text)) if self.headers["Content-Type"].endswith("json") else {}


def read(response: Any) -> Response:
    """Read a response, and close the file that it may stream."""
    content = response.getvalue() if response.streaming else response.content
    if response.streaming:
        response.close()
    return Response(response.status_code, response.headers, content.decode())


@dataclass(frozen=True)
class Operation:
    """Describe one operation."""

    method: str
    path: str
    needs_key: bool
    takes_body: bool
    parameters: tuple[str, ...]
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    role: str = ""
    needs_all_accounts: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        """Return the parts of the path that are IDs of an agency's resources."""
        return [name for name in re.findall(r"{(\w+)}", self.path) if name not in SHARED_PARTS]

    def send(self, client: Client, ids: AgencyIds | dict[str, str], **query: str) -> Response:
        """Send the operation with `ids` in its path. Raises KeyError for an unknown path part or body."""
        parts = SHARED_PARTS | (asdict(ids) if isinstance(ids, AgencyIds) else ids)
        path = self.path.format_map(parts)
        if self.method == "GET":
            return read(client.get(path, query))
        template = BODIES[self.method, self.path] if self.takes_body else {}
        body: dict[str, Any] = {name: fill_value(value, client) for name, value in template.items()}
        form = "multipart" if "file" in body else "json"
        if "file" in body:
            body["file"] = io.BytesIO(body["file"])
        return read(getattr(client, self.method.lower())(path, body, format=form))


def fill_value(value: Any, client: Client) -> Any:
    """Return a value of a body with the agency's name filled in."""
    return value.replace("{its name}", client.agency.name) if isinstance(value, str) else value


def parse_role(description: str) -> dict[str, Any]:
    """Parse the required role from an operation's description."""
    match = re.search(r"^Role: (\w+)(, with access to all accounts)?\.$", description, flags=re.MULTILINE)
    return {"role": match[1], "needs_all_accounts": bool(match[2])} if match else {}


def read_choices(described: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Sequence[str]]:
    """Return the words that each query parameter accepts, if it accepts some only."""
    accepted = {}
    for parameter in described.get("parameters", ()):
        schema = parameter.get("schema", {})
        component = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
        if parameter.get("in") == "query" and (words := schema.get("enum") or component.get("enum")):
            accepted[parameter["name"]] = words
    return accepted


def operations() -> list[Operation]:
    """Return all operations of the document."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return [
        Operation(
            method.upper(),
            path,
            needs_key=any("apiKey" in each for each in described.get("security", ())),
            takes_body="requestBody" in described,
            **parse_role(described.get("description", "")),
            parameters=tuple(
                each["name"] for each in described.get("parameters", ()) if each.get("in") == "query"
            ),
            choices=read_choices(described, document["components"]["schemas"]),
        )
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if method.upper() in METHODS
    ]


DOCUMENTED = operations()
# Operations that need an API key, for tables of cases.
OPERATIONS = [operation for operation in DOCUMENTED if operation.needs_key]
