"""Test messages to each chat: format, escaped markup, and acceptance."""

import json
from typing import Any

import pytest

from accounts.mailboxes import caller_text
from tests.webhooks.channels.test_message_text import render
from webhooks.channels import chat, message_text
from webhooks.channels.chat import Format
from webhooks.events.catalogue import EVENT_TYPES, EventType

SLACK = "https://hooks.slack.com/services/T0/B0/xyz"
TEAMS = "https://prod-01.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=x"
FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/xyz"
WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=xyz"
URLS = {Format.SLACK: SLACK, Format.TEAMS: TEAMS, Format.FEISHU: FEISHU, Format.WECOM: WECOM}
EVERY = pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())


def sent(url: str, envelope: dict[str, Any]) -> Any:
    return json.loads(chat.build_body(url, envelope).decode())


def texts(message: Any) -> list[str]:
    """Return every text that the chat shows."""
    if "attachments" in message:
        blocks = message["attachments"][0]["content"]["body"]
        return [run["text"] for block in blocks for run in block["inlines"]]
    text = message.get("text") or message["content"]
    return [text if isinstance(text, str) else text.get("text") or text["content"]]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (SLACK, Format.SLACK),
        (TEAMS, Format.TEAMS),
        ("https://agency.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4", Format.TEAMS),
        (
            "https://default1.01.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/2",
            Format.TEAMS,
        ),
        (FEISHU, Format.FEISHU),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/xyz", Format.FEISHU),
        (WECOM, Format.WECOM),
        ("https://OPEN.FEISHU.CN/hook", Format.FEISHU),
        ("https://open.feishu.cn./hook", Format.FEISHU),
        # what only looks like one is spoken to as everybody is
        ("https://mattermost.agency.example/hooks/xyz", Format.SLACK),
        ("https://discord.com/api/webhooks/1/2/slack", Format.SLACK),
        ("https://notwebhook.office.com/x", Format.SLACK),
        ("https://open.feishu.cn.evil.example/hook", Format.SLACK),
        ("https://evil.example/open.feishu.cn", Format.SLACK),
        ("https://open.feishu.cn@evil.example/", Format.SLACK),
        ("https://feishu.cn/", Format.SLACK),
        ("", Format.SLACK),
    ],
)
def test_chat_format_is_detected_by_host(url: str, kind: Format) -> None:
    assert chat.format_of(url) is kind


def test_chat_messages_have_the_format_of_each_chat() -> None:
    envelope = render("endpoint.test")
    words = message_text.build(envelope)
    text = "\n".join(["Underone: Test notification", *words.lines])

    assert sent(SLACK, envelope) == {"text": text, "mrkdwn": False}
    assert sent(FEISHU, envelope) == {"msg_type": "text", "content": {"text": text}}
    assert sent(WECOM, envelope) == {"msgtype": "text", "text": {"content": text}}
    card = sent(TEAMS, envelope)
    assert (card["type"], card["attachments"][0]["contentType"]) == (
        "message",
        "application/vnd.microsoft.card.adaptive",
    )
    assert card["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert card["attachments"][0]["content"]["body"][0] == {
        "type": "RichTextBlock",
        "inlines": [{"type": "TextRun", "text": "Underone: Test notification", "weight": "Bolder"}],
    }
    assert texts(card) == ["Underone: Test notification", *words.lines]


@EVERY
@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_chat_message_contains_the_whole_event(url: str, kind: EventType) -> None:
    envelope = render(kind.type)

    shown = "\n".join(texts(sent(url, envelope)))

    words = message_text.build(envelope)
    assert shown == "\n".join([f"Underone: {words.title}", *words.lines])


HOSTILE = (
    "<!channel>",
    "<!everyone|x>",
    "<@U012AB3CD>",
    "<https://evil.example|Amazon>",
    '<at user_id="all">all</at>',
    "<@all>",
    "@channel",
    "@everyone @here",
    "a & b &lt; c",
    '"}, "channel": "#general',
    "\\",
    "<script>alert(1)</script>",
)
CALLS = ("<!", "<@", "<at", "<h", "@c", "@e", "@a", "<s", "</")


@EVERY
@pytest.mark.parametrize("text", HOSTILE)
def test_chat_message_escapes_markup(url: str, text: str) -> None:
    message = sent(url, render("account.status_changed", current=text, previous=text))

    assert message.keys() == sent(url, render("endpoint.test")).keys()
    shown = "\n".join(texts(message))
    if chat.format_of(url) is not Format.TEAMS:
        assert not any(call in shown for call in CALLS)
    else:
        assert caller_text.without_links(text) in shown


@pytest.mark.parametrize(
    ("text", "slack", "feishu"),
    [
        ("a & b", "a &amp; b", "a & b"),
        ("1 < 2 > 0", "1 &lt; 2 &gt; 0", "1 ＜ 2 ＞ 0"),
        ("&lt;", "&amp;lt;", "&lt;"),
        ("@all", "@\u200ball", "@\u200ball"),
        ("GET_FLAT_FILE *_~`", "GET_FLAT_FILE *_~`", "GET_FLAT_FILE *_~`"),
        ("订单缺陷率", "订单缺陷率", "订单缺陷率"),
    ],
)
def test_chat_formats_have_own_escapes(text: str, slack: str, feishu: str) -> None:
    formats = (Format.SLACK, Format.FEISHU, Format.WECOM, Format.TEAMS)

    escaped = [chat.escape_and_truncate(text, chat.ESCAPES[each]) for each in formats]

    assert escaped == [slack, feishu, feishu, text]


@EVERY
@pytest.mark.parametrize("character", ["x", "<", "&", "率", "🙂", "@"])
@pytest.mark.parametrize("count", [10, 1000, 5000, 100_000])
def test_long_message_is_cut_between_characters(url: str, character: str, count: int) -> None:
    shown = texts(sent(url, render("account.status_changed", current=character * count)))

    escaped = character.translate(chat.ESCAPES[chat.format_of(url)])
    (line,) = [text for text in shown if "status in DE is" in text]
    whole = line.removeprefix("Underone: Amazon's status in DE is ").partition("\n")[0]
    assert len(line.encode()) <= chat.MAX_TEXT_BYTES < 2048
    assert (
        whole == escaped * count
        if count == 10
        else whole.removesuffix(chat.ELLIPSIS).replace(escaped, "") == ""
    )
    assert line.endswith(chat.ELLIPSIS) is (len(escaped.encode()) * count > chat.MAX_TEXT_BYTES)


OK, NO_KEYWORD = b'{"code":0,"msg":"success","data":{}}', b'{"code":19024,"msg":"Key Words Not Found"}'


@pytest.mark.parametrize(
    ("url", "status", "answer", "accepted"),
    [
        (SLACK, 200, b"ok", True),
        (SLACK, 200, b"", True),
        (SLACK, 204, b"", True),
        (SLACK, 200, b'{"code":1}', True),  # not its way to say no
        (SLACK, 400, b"invalid_payload", False),
        (SLACK, 404, b"no_service", False),
        (SLACK, 301, b"", False),
        (SLACK, 429, b"", False),
        (TEAMS, 202, b"", True),
        (TEAMS, 200, b"1", True),
        (
            TEAMS,
            200,
            b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
            False,
        ),
        (TEAMS, 401, b'{"error":{"code":"DirectApiAuthorizationRequired"}}', False),
        (FEISHU, 200, OK, True),
        (FEISHU, 200, b'{"StatusCode":0,"StatusMessage":"success","code":0}', True),
        (FEISHU, 200, b'{"StatusCode":0,"StatusMessage":"success"}', True),
        (FEISHU, 200, NO_KEYWORD, False),
        (FEISHU, 200, b'{"StatusCode":0,"code":19021}', False),
        (FEISHU, 400, OK, False),
        (WECOM, 200, b'{"errcode":0,"errmsg":"ok"}', True),
        (WECOM, 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}', False),
        (WECOM, 200, b'{"errcode":45009,"errmsg":"api freq out of limit"}', False),
        (WECOM, 200, OK, False),
        # no answer that can be understood is no yes
        *(
            (url, 200, answer, False)
            for url in (FEISHU, WECOM)
            for answer in (b"", b"ok", b"[0]", b"0", b"null", b"\xff", b"{")
        ),
        *(
            (FEISHU, 200, answer, False)
            for answer in (b'{"code":false}', b'{"code":"0"}', b'{"code":null}', b'{"code":0.0}')
        ),
        (WECOM, 200, b"[" * 100_000, False),
    ],
)
def test_message_is_accepted_by_response_of_chat(
    url: str, status: int, answer: bytes, accepted: bool
) -> None:
    assert chat.is_accepted(url, status, answer) is accepted
