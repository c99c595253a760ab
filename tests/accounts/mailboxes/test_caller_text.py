"""Test names of callers in messages: one line, cut, and without links."""

import re
import resource

import pytest

from accounts.mailboxes import caller_text

# What mail programs and chats turn into links.
LINK = re.compile(r"\w://|\bwww\.|\w[.．｡]\w*[a-z]{2}|mailto:|tel:", re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("http://evil.example", "http[:]//evil[.]example"),
        ("HTTPS://EVIL.EXAMPLE/x?y=z", "HTTPS[:]//EVIL[.]EXAMPLE/x?y=z"),
        ("https:\\\\evil.example", "https[:]\\\\evil[.]example"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("evil．example", "evil[.]example"),
        ("evil｡example", "evil[.]example"),
        ("evil。example", "evil[.]example"),
        ("亚马逊.中国", "亚马逊[.]中国"),
        ("mailto:x@evil.example", "mailto[:]x@evil[.]example"),
        ("Amazon.de Shop", "Amazon[.]de Shop"),
        ("evil.\u200bexample", "evil. example"),
        ("evil\u00ad.example", "evil .example"),
    ],
)
def test_link_is_broken_up(name: str, shown: str) -> None:
    assert caller_text.without_links(name) == shown
    assert not LINK.search(shown)


@pytest.mark.parametrize(
    "name", ["Nordwind GmbH & Co. KG", "Shop No.1", "7 of 612 (1.144 %)", "订单。缺陷", "Acme: shoes", "A/B"]
)
def test_name_without_link_stays(name: str) -> None:
    assert caller_text.without_links(name) == name


@pytest.mark.parametrize(
    "mark",
    ["\r\n", "\n", "\0", "\x1b", "\u2028", "\u202e", "\u200b", "\ufeff", "\U000e0041", "\ud800"],
    ids=ascii,
)
def test_name_is_one_line_without_invisible_characters(mark: str) -> None:
    assert caller_text.without_links(f"Acme{mark}Bcc: x") == "Acme Bcc: x"


@pytest.mark.parametrize("number", ["+1 (800) 555-0199", "0800 5550199", "4930123456"])
def test_name_for_strangers_has_no_phone_number(number: str) -> None:
    assert not re.search(r"\d{3}", caller_text.name_for_strangers(f"Call {number} now"))


def test_name_for_strangers_is_cut() -> None:
    assert caller_text.name_for_strangers("A" * 200) == "A" * 60
    assert caller_text.name_for_strangers(" \n ") == "…"


@pytest.mark.parametrize("piece", ["a.", "1 ", "://", "mailto:", "\n", "tel", "．", "1-"])
def test_cost_is_linear_in_the_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        caller_text.without_links(text)
        caller_text.PHONE_NUMBER.sub("", text)
        return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before

    assert seconds(1_000_000) < 5
