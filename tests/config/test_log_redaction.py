"""Test what is redacted in logs, and what is unchanged."""

import time
from typing import Any

import pytest

from config.observability.log_redaction import BLANK, CUT, MAX_LENGTH, MAX_MATCH_LENGTH, SHAPES, Redactor
from tests.recorded_logs import find_secrets

SECRET = "sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"

SECRET_TEXTS = [
    f"the key uo_live_AbCdEf123456_{SECRET} opens nothing",
    f"uo_tok_AbCdEf123456_{SECRET}",
    f"signed by whsec_{SECRET}+/=",
    f"signed by whsk_{SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"{{'HTTP_AUTHORIZATION': 'Bearer {SECRET}'}}",
    f"authorization: basic {SECRET}==",
    f"x-amz-access-token: Atza|{SECRET}",
    f"refreshed with Atzr|{SECRET}-_w",
    f"amzn1.oa2-cs.v1.{SECRET}",
    f"token eyJhbGciOi.{SECRET}.{SECRET}",
    f"/v1/session-eyJhbGciOi.{SECRET}.{SECRET}",
    f"eyJ-eyJhbGciOi.{SECRET}.",
    f"redis://:{SECRET}@localhost:6379/0",
    f"postgresql://underone_app:{SECRET}@db.example/underone",
    f"smtp+tls://me:{SECRET}@mail.example:587",
    f"POST https://hooks.slack.com/services/T00/B00/{SECRET} answered 404",
    f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={SECRET}",
    f"https://prod-01.westeurope.logic.azure.com:443/workflows/1/invoke?api-version=2016-06-01&sig={SECRET}",
    f"https://open.feishu.cn/open-apis/bot/v2/hook/{SECRET}",
    f"https://agency.example?{SECRET}",
    f"password={SECRET} host=db",
    f"SECRET_KEY='{SECRET}'",
    f"client_secret: {SECRET}",
    f'{{"password": "{SECRET}", "name": "Mei"}}',
    f"X-Session-Token: {SECRET}",
    f"api-key = {SECRET}",
    f"Set-Cookie: {SECRET}; Path=/",
]
HARMLESS = [
    "GET /v1/accounts/acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d 200",
    "Listening at: http://127.0.0.1:8000 (4061)",
    "Task webhooks.delivery.tasks.deliver[1d8215ee-2cdc-41ae-be83-2c14a85416b5] succeeded in 0.016s: None",
    "delivery 019abc4e of agency 019abc4f cannot be loaded",
    "Encrypted with key 2, but not for webhooks_endpointsecret:019abc4e:019abc4f.",
    "SECRETS_KEYS has no key 3.",
    "password authentication failed for user underone_app",
    "Authentication failed. Expected the header `Authorization: Bearer uo_live_…`.",
    "role underone_app owns no table",
    "3 tokens deleted",
    ".> transport:   redis://:**@127.0.0.1:41355/0",
    "Only endpoints of the kind webhook have a secret: mail and chats are not signed.",
    "",
]


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_secret_is_redacted_anywhere(text: str) -> None:
    left = Redactor().text(text)

    assert SECRET not in left
    assert BLANK in left


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_unchanged(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize("text", [*SECRET_TEXTS, *HARMLESS])
def test_redaction_is_idempotent(text: str) -> None:
    once = Redactor().text(text)

    assert Redactor().text(once) == once


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"redis://:{SECRET}@localhost:6379/0", f"redis://:{BLANK}@localhost:6379/0"),
        (f"https://hooks.slack.com/services/{SECRET} said no", f"https://hooks.slack.com/{BLANK} said no"),
        (f"uo_live_AbCdEf123456_{SECRET}", f"uo_live_{BLANK}"),
        (f"password={SECRET}&name=Mei", f"password={BLANK}&name=Mei"),
        (f'{{"token": "{SECRET}", "id": 7}}', f'{{"token": "{BLANK}", "id": 7}}'),
    ],
)
def test_text_around_secret_is_kept(text: str, left: str) -> None:
    assert Redactor().text(text) == left


def test_known_values_are_redacted() -> None:
    redactor = Redactor(known=["correct horse", "battery/staple", "short", ""])

    assert (
        redactor.text("correct horse, battery/staple, battery%2Fstaple, short")
        == f"{BLANK}, {BLANK}, {BLANK}, short"
    )


def test_known_values_inside_each_other_are_redacted() -> None:
    assert Redactor(known=["12345678", "1234567890"]).text("1234567890") == BLANK


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({"Authorization": "x", "path": "/v1"}, {"Authorization": BLANK, "path": "/v1"}),
        ({"headers": {"X-Session-Token": "x"}}, {"headers": {"X-Session-Token": BLANK}}),
        ({"new_password": ["a", "b"]}, {"new_password": BLANK}),
        ({"apiKey": "x", "refreshToken": "y"}, {"apiKey": BLANK, "refreshToken": BLANK}),
        ({"token": None, "tokens": 3, "secret": True}, {"token": None, "tokens": 3, "secret": True}),
        ([f"Bearer {SECRET}", ("a", 1.5)], [f"Bearer {BLANK}", ["a", 1.5]]),
        ({"error": ValueError(f"password={SECRET}")}, {"error": f"password={BLANK}"}),
        (b"plain", "b'plain'"),
        ({7: "seven"}, {7: "seven"}),
    ],
)
def test_json_is_redacted_to_any_depth(value: Any, left: Any) -> None:
    assert Redactor().value(value) == left


HOSTILE = [
    *(
        "a",
        "-",
        "a-",
        "eyJ",
        "eyJ-",
        "-eyJ",
        "eyJaaaaa.",
        "eyJ-eyJaaaaa.a",
        "eyJaaaaa.a/",
        "uo_",
        "uo_a",
        "uo_a-",
        "uo_a_-",
    ),
    *(
        "whsec_",
        "whsk_-",
        "whsec_ ",
        "At",
        "Atza|",
        "Atza|-",
        "Atza| ",
        "amzn1.oa2-cs.",
        "amzn1.oa2-cs. ",
        "amzn1.",
    ),
    *(
        "bearer ",
        "basic\t",
        "bearer  a",
        "bearer -",
        " ",
        "\n",
        "://",
        "://a:",
        "://a:*",
        "*",
        ":",
        "@",
        "://a:b@",
        "a:",
    ),
    *(
        "https://",
        "http://a",
        "https://a/",
        "https://a?",
        "https://a ",
        "password=",
        "password =",
        "password='",
    ),
    *(
        "tokens=bearer ",
        "password:",
        "token: bearer ",
        "secret: a",
        "secret:…",
        "token:a ",
        "api_key",
        "passwordpassword",
        "…",
    ),
]
"""Beginnings of what looks like a secret, over and over."""
LEADING = [
    "",
    "eyJ",
    "eyJaaaaa.",
    "://:",
    "://a:",
    "https://",
    "bearer ",
    "token:",
    "password: bearer ",
    "uo_",
    "Atza|",
]


def seconds_for(text: str) -> float:
    """Return the processor's own seconds: others work on the same machine."""
    began = time.process_time()
    for shape, left in SHAPES:
        shape.sub(left, text)
    return time.process_time() - began


def is_linear(short: str, long: str) -> bool:
    """Return whether eight times the length takes less than 24 times as long; its square would be 64.

    The quicker of two counts. The second is measured only if the first is too slow.
    """
    few, many = seconds_for(short), seconds_for(long)
    if many >= 24 * few + 0.001:
        few, many = min(few, seconds_for(short)), min(many, seconds_for(long))
    return many < 24 * few + 0.001


@pytest.mark.parametrize("leading", LEADING)
def test_patterns_take_linear_time(leading: str) -> None:
    for hostile in HOSTILE:
        short, long = ((leading + hostile * (length // len(hostile))) for length in (2_000, 16_000))
        assert is_linear(short, long), hostile


def test_long_text_is_cut_and_marked() -> None:
    for hostile in HOSTILE:
        began = time.process_time()

        left = Redactor().text(hostile * (1_000_000 // len(hostile)))

        assert time.process_time() - began < 0.5, hostile
        assert left.endswith(CUT), hostile


@pytest.mark.parametrize("text", [*SECRET_TEXTS, f"correct {SECRET} horse"])
@pytest.mark.parametrize("cut", [MAX_LENGTH, MAX_LENGTH - MAX_MATCH_LENGTH])
def test_secret_at_cut_is_not_shown_in_part(text: str, cut: int) -> None:
    redactor = Redactor(known=[f"correct {SECRET} horse"])

    for off in range(-len(SECRET) - 40, 8, 9):
        left = redactor.text("a" * (cut + off - 1) + " " + text + " b" * MAX_LENGTH)

        assert SECRET[:4] not in left
        assert left.endswith(CUT)


def test_text_of_maximum_length_is_whole() -> None:
    assert Redactor().text("a " * (MAX_LENGTH // 2)) == "a " * (MAX_LENGTH // 2)


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_search_finds_what_redaction_removes(text: str) -> None:
    assert any(SECRET in secret for secret in find_secrets(text))


@pytest.mark.parametrize("text", [*HARMLESS, *map(Redactor().text, SECRET_TEXTS)])
def test_search_finds_nothing_in_harmless_text(text: str) -> None:
    assert find_secrets(text) == []


def test_search_finds_known_values() -> None:
    assert find_secrets("it is correct horse", known=["correct horse", "is"]) == ["correct horse"]
