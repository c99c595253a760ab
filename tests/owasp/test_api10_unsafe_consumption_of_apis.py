"""Test API10:2023 Unsafe Consumption of APIs: reports are validated like any input, and stored as text."""

import json

import pytest

from tests import build
from tests.client import Client

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "'; DROP TABLE accounts_agency; --",
    "../../etc/passwd",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_report_order_id_must_be_well_formed(acme: Client, shop: str, text: str) -> None:
    row = build.order_row() | {"amazon-order-id": text}

    report = acme.load(shop, build.orders_file([build.order_row(), row]))

    assert (report["rows"]["new"], report["rows"]["rejected"]) == (1, 1)


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_of_report_texts_has_no_formula(acme: Client, text: str) -> None:
    acme.take_on(name=text, partner="A1TOLD")

    sheet = acme.get("/v1/accounts", {"format": "csv"}).content.decode()

    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in sheet.splitlines()[1:] for cell in line.split(",")
    )


@pytest.mark.parametrize(
    "document",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><AmazonEnvelope>&e;</AmazonEnvelope>',
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><AmazonEnvelope>&b;</AmazonEnvelope>',
        b"\x00" * 4096,
        b"{" * 10_000,
        b"amazon-order-id\tpurchase-date\n" + b"\xff\xfe" * 100,
    ],
)
def test_hostile_report_is_refused(acme: Client, shop: str, document: bytes) -> None:
    report = acme.load(shop, document)

    assert report["status"] == "rejected"
    assert "root:" not in json.dumps(report)


def test_receiver_response_is_stored_as_limited_text(acme: Client) -> None:
    schema = acme.read("/v1/openapi.json")["components"]["schemas"]["Attempt"]["properties"]["answer"]

    assert schema["type"] == ["string", "null"]
    assert "1,024" in schema["description"]
