"""API7:2023 Server Side Request Forgery: endpoints with private addresses are refused in every spelling.

tests/webhooks/channels/test_url_policy.py follows each to its connection; here each is sent to the API.
"""

import pytest

from tests.client import Client
from tests.webhooks.channels.test_url_policy import HOSTILE, ILL_SHAPED

LITERAL = [
    url
    for url in [*HOSTILE, *ILL_SHAPED]
    if not any(name in url.lower() for name in (".example", "metadata.google"))
]


def test_endpoint_with_private_address_is_refused(acme: Client) -> None:
    taken = [
        url
        for url in LITERAL
        if "93.184." not in url and "2606:2800" not in url and _status(acme, url) == 201
    ]

    assert [url for url in taken if "localhost" not in url.lower()] == []
    assert len(LITERAL) > 40


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "dict", "ldap", "javascript", "data", "http"])
def test_endpoint_requires_https(acme: Client, scheme: str) -> None:
    assert _status(acme, f"{scheme}://hooks.example.com/in") == 400


def test_endpoint_update_is_checked_like_creation(acme: Client) -> None:
    endpoint = acme.listen()["id"]

    response = acme.patch(
        f"/v1/webhook-endpoints/{endpoint}", {"url": "https://169.254.169.254/latest"}, format="json"
    )

    assert response.status_code == 400
    assert acme.read(f"/v1/webhook-endpoints/{endpoint}")["url"] == "https://hooks.example.com/in"


def _status(client: Client, url: str) -> int:
    response = client.post("/v1/webhook-endpoints", {"url": url}, format="json")
    if response.status_code == 201:
        client.delete(f"/v1/webhook-endpoints/{response.json()['id']}")
    return int(response.status_code)
