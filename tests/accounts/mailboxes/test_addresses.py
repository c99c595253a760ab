"""Test which e-mail addresses get mail, and which are one mailbox."""

import pytest
from django.conf import LazySettings

from accounts.mailboxes import addresses


@pytest.mark.parametrize(
    "address",
    [
        "on-call@example.com",
        "On.Call+Alerts@Mail.Example.co.jp",
        "o'brien@example.com",
        "ops@bücher.example",
        "ops@xn--bcher-kva.example",
        "ops@shop.test.example",
        "ops@localhost.example",
        "ops@1and1.com",
    ],
)
def test_public_address_is_accepted(address: str) -> None:
    addresses.check(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "user@localhost",
            "root@LOCALHOST",
            "user@localhost.localdomain",
            "user@intranet",
            "user@mailserver",
        ),
        *("user@nas.local", "user@db.internal", "user@shop.test", "user@nowhere.invalid", "user@pc.lan"),
        *("user@router.home.arpa", "user@hidden.onion", "user@ad.corp", "user@mx.localhost"),
        *("user@[127.0.0.1]", "user@[::1]", "user@[IPv6:::1]", "user@127.0.0.1", "user@192.0.2.10"),
        *("user@2130706433", "user@0x7f.0.0.1", "user@127.0.0.01", "user@example.123"),
        *("", "user", "@example.com", "user@", "a@b@example.com", "a@example.com,b@example.com"),
        *("Ops <a@example.com>", "a b@example.com", "a@example.com\r\nBcc: b@example.com", "a\n@example.com"),
        *(
            '"a\\tb"@example.com',
            '"a\x01"@example.com',
            '"@evil"@example.com',
            "a%b@example.com",
            "b!a@example.com",
        ),
        *(
            "a@example.com\0",
            "a@exam\u2028ple.com",
            "a" * 60 + "@" + "b.c" * 100 + ".com",
            "a@-.com",
            "a@exa_mple.com",
        ),
        "a@" + "ü" * 70 + ".example",
    ],
    ids=ascii,
)
def test_local_and_malformed_address_is_refused(address: str) -> None:
    with pytest.raises(addresses.InvalidMailbox):
        addresses.check(address)


@pytest.mark.parametrize("address", ["a@intranet", "a@shop.corp.internal", "a@corp.internal"])
def test_local_domain_is_accepted_if_the_installation_allows_it(address: str, settings: LazySettings) -> None:
    settings.MAIL_LOCAL_DOMAINS = ["intranet", "corp.internal"]

    addresses.check(address)


@pytest.mark.parametrize(
    "address", ["a@other.internal", "a@notcorp.internal", "a@localhost", "a@x.intranet2"]
)
def test_other_local_domains_stay_refused(address: str, settings: LazySettings) -> None:
    settings.MAIL_LOCAL_DOMAINS = ["intranet", "corp.internal"]

    with pytest.raises(addresses.InvalidMailbox):
        addresses.check(address)


@pytest.mark.parametrize(
    "spelling",
    [
        "on-call@agency.example",
        "On-Call@AGENCY.example",
        "on-call+2@agency.example",
        "on-call+a+b@agency.example",
    ],
)
def test_spellings_of_a_mailbox_have_one_key(spelling: str) -> None:
    assert addresses.canonical(spelling) == "on-call@agency.example"
    assert addresses.key(spelling) == addresses.key("on-call@agency.example")


def test_keys_of_mailboxes_differ_and_do_not_reveal_them() -> None:
    keys = {addresses.key(f"{name}@agency.example") for name in ("on-call", "oncall", "on.call")}

    assert len(keys) == 3
    assert not any("call" in key or "agency" in key for key in keys)
    assert addresses.key("a@bücher.example") == addresses.key("A@xn--bcher-kva.example")
