"""Test `manage.py create_api_key`: a new key for an agency that has lost access."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.tenancy import context
from tests.client import Client


def create_api_key(*words: str) -> str:
    """Run the command, and return what it prints."""
    context.set_agency(None)
    output = io.StringIO()
    call_command("create_api_key", *words, stdout=output)
    return output.getvalue()


def test_create_api_key_restores_access(acme: Client) -> None:
    acme.delete(f"/v1/api-keys/{acme.read('/v1/me')['key']['id']}")

    printed = create_api_key(acme.agency.public_id).splitlines()

    back = Client(acme.agency, printed[1].split()[1])
    assert acme.get("/v1/me").status_code == 401
    assert back.read("/v1/me")["may"] == ["read", "write", "administer"]
    assert printed[0].split() == ["agency", acme.agency.public_id]


def test_create_api_key_is_recorded_in_audit_log(acme: Client) -> None:
    created = json.loads(create_api_key(acme.agency.public_id, "--role=viewer", "--name=look", "--json"))

    (entry,) = acme.read("/v1/audit-log", about=created["id"])["data"]
    assert (entry["who"], entry["what"], entry["detail"]["role"]) == ("underone", "key.created", "viewer")
    assert Client(acme.agency, created["key"]).read("/v1/me")["bearer"]["name"] == "look"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("agcy_" + "0" * 32,),
        ("Acme",),
        ("{id}", "--role=owner"),
        ("{id}", "--name= "),
        ("{id}", "--name=" + "x" * 201),
    ],
)
def test_create_api_key_refuses_invalid_arguments(acme: Client, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        create_api_key(*(word.format(id=acme.agency.public_id) for word in words))

    assert len(acme.read("/v1/api-keys")["data"]) == 1
