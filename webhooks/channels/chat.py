"""What a chat takes at its incoming webhook, and what it answers when it took it. Pure.

The format is known by the host: Slack's, which many others take too, where the host is none of those below. Sources:
- Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, escaping: …/formatting-message-text#escaping
- Teams: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using (an adaptive card)
- Feishu and Lark: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (at most 20 KB; a `code` but 0 is a failure)
- WeCom: https://developer.work.weixin.qq.com/document/path/91770 (at most 2048 bytes of text; an `errcode` but 0 is a failure)
"""

import json
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from webhooks.channels import message_text
from webhooks.channels.message_text import Words

MOST_BYTES = 2000  # of the text; what the narrowest of them takes, and more than any event has to say
CUT = " …"


class Format(StrEnum):
    SLACK = "slack"
    TEAMS = "teams"
    FEISHU = "feishu"
    WECOM = "wecom"


HOSTS = {
    "webhook.office.com": Format.TEAMS,
    "logic.azure.com": Format.TEAMS,
    "powerplatform.com": Format.TEAMS,
    "open.feishu.cn": Format.FEISHU,
    "open.larksuite.com": Format.FEISHU,
    "qyapi.weixin.qq.com": Format.WECOM,
}
"""A host, or what comes last in it after a dot."""

NO_MENTION = {ord("@"): "@\u200b"}  # @everyone would call everyone; with nothing visible in between it calls nobody
WITHOUT_TAGS = str.maketrans({"<": "＜", ">": "＞"}) | NO_MENTION  # `<at …>` calls people, and cannot be escaped otherwise
ESCAPES: dict[Format, dict[int, Any]] = {
    Format.SLACK: str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"}) | NO_MENTION,
    Format.TEAMS: {},  # a TextRun takes no markup
    Format.FEISHU: WITHOUT_TAGS,
    Format.WECOM: WITHOUT_TAGS,
}
CODES = {Format.FEISHU: ("code", "StatusCode"), Format.WECOM: ("errcode",)}
"""Where the answer tells whether it worked, whatever the status of HTTP: 0 is yes."""


def format_of(url: str) -> Format:
    """The format that the chat behind this URL takes."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return next((each for last, each in HOSTS.items() if host == last or host.endswith(f".{last}")), Format.SLACK)


def body(url: str, envelope: dict[str, Any], *, account_name: str = "") -> bytes:
    """The request that tells of the event, as JSON in UTF-8."""
    kind, words = format_of(url), message_text.of(envelope, account_name=account_name)
    if kind is Format.TEAMS:
        message = _card(words)
    else:
        text = fitting("\n".join([f"Underone: {words.title}", *words.lines]), ESCAPES[kind])
        message = _MESSAGES[kind](text)
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def accepted(url: str, status: int, answer: bytes) -> bool:
    """Whether the chat took the message. Some say 200 and no in the same breath."""
    if not 200 <= status < 300:
        return False
    kind = format_of(url)
    if kind is Format.TEAMS:
        return b"delivery failed" not in answer  # what the older connectors answer instead of an error
    return kind not in CODES or _code(answer, CODES[kind]) == 0


def fitting(text: str, escapes: dict[int, Any]) -> str:
    """The text with its escapes, cut between two characters where it is too long."""
    room = MOST_BYTES - len(CUT.encode())
    pieces: list[str] = []
    for letter in text:
        piece = letter.translate(escapes)
        room -= len(piece.encode())
        if room < 0:
            return "".join(pieces) + CUT
        pieces.append(piece)
    return "".join(pieces)


def _code(answer: bytes, names: tuple[str, ...]) -> Any:
    """The first of these codes that the answer has; None without any."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    found = [told[name] for name in names if name in told] if isinstance(told, dict) else []
    return found[0] if found and type(found[0]) is int else None


def _card(words: Words) -> dict[str, Any]:
    title = {"type": "TextRun", "text": fitting(f"Underone: {words.title}", {}), "weight": "Bolder"}
    lines = [{"type": "TextRun", "text": fitting(line, {})} for line in words.lines]
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [{"type": "RichTextBlock", "inlines": [run]} for run in (title, *lines)],
                },
            }
        ],
    }


def _slack(text: str) -> dict[str, Any]:
    return {"text": text, "mrkdwn": False}


def _feishu(text: str) -> dict[str, Any]:
    return {"msg_type": "text", "content": {"text": text}}


def _wecom(text: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


_MESSAGES = {Format.SLACK: _slack, Format.FEISHU: _feishu, Format.WECOM: _wecom}
