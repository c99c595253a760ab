"""Test API6:2023 Unrestricted Access to Sensitive Business Flows: sign-ups, mails and tests are limited."""

from django.conf import settings

from tests.client import Client
from webhooks.endpoints import lifecycle as endpoints


def test_sign_up_requires_setting(anonymous: Client) -> None:
    body = {"agency_name": "Farm", "name": "Bot", "email": "bot@example.com"}

    response = anonymous.post("/v1/auth/sign-up", body, format="json")

    assert settings.SIGN_UP is False
    assert (response.status_code, response.json()["type"]) == (403, "/problems/sign-up-closed")


def test_mails_to_address_are_limited(anonymous: Client) -> None:
    statuses = [
        anonymous.post("/v1/auth/code", {"email": "victim@example.com"}, format="json").status_code
        for _ in range(30)
    ]

    assert 429 in statuses


def test_endpoint_tests_are_limited(acme: Client) -> None:
    endpoint = acme.listen()["id"]

    statuses = [
        acme.post(f"/v1/webhook-endpoints/{endpoint}/test", {}, format="json").status_code for _ in range(3)
    ]

    assert statuses[0] == 202
    assert 429 in statuses[1:]


def test_endpoints_of_agency_are_limited(acme: Client) -> None:
    statuses = [
        acme.post("/v1/webhook-endpoints", {"url": "https://hooks.example.com/in"}, format="json").status_code
        for _ in range(endpoints.MAX_PER_AGENCY + 1)
    ]

    assert statuses == [201] * endpoints.MAX_PER_AGENCY + [409]
