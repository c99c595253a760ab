"""Build the message for a chat's incoming webhook, and read from the response whether the chat accepted it.
Pure.

The host of the URL decides the format. A host that is not listed gets Slack's format, which many other chats
accept. Sources:
- Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, escaping: …/formatting-message-text#escaping
- Teams: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using (an adaptive card)
- Feishu and Lark: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (at most 20 KB; a `code` other than 0 is a
  failure)
- WeCom: https://developer.work.weixin.qq.com/document/path/91770 (at most 2048 bytes of text; an `errcode` other than 0 is a
  failure)
"""

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from webhooks.channels import message_text
from webhooks.channels.message_text import MessageText

# Bytes of UTF-8. WeCom takes 2048, the others more.
MAX_TEXT_BYTES = 2000
ELLIPSIS = " …"


class Format(StrEnum):
    SLACK = "slack"
    TEAMS = "teams"
    FEISHU = "feishu"
    WECOM = "wecom"


# By host name; subdomains included.
HOSTS = {
    "webhook.office.com": Format.TEAMS,
    "logic.azure.com": Format.TEAMS,
    "powerplatform.com": Format.TEAMS,
    "open.feishu.cn": Format.FEISHU,
    "open.larksuite.com": Format.FEISHU,
    "qyapi.weixin.qq.com": Format.WECOM,
}

# `@everyone` mentions everyone; with a zero-width space after the @ it mentions nobody.
WITHOUT_MENTIONS = {ord("@"): "@\u200b"}
# `<at …>` mentions people, and these formats have no escape for it.
WITHOUT_TAGS = str.maketrans({"<": "＜", ">": "＞"}) | WITHOUT_MENTIONS
ESCAPES: dict[Format, dict[int, Any]] = {
    Format.SLACK: str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"}) | WITHOUT_MENTIONS,
    # A TextRun of an adaptive card has no markup.
    Format.TEAMS: {},
    Format.FEISHU: WITHOUT_TAGS,
    Format.WECOM: WITHOUT_TAGS,
}
# Fields of the response that hold the result code, whatever the HTTP status: 0 is success.
RESULT_CODES = {Format.FEISHU: ("code", "StatusCode"), Format.WECOM: ("errcode",)}


def format_of(url: str) -> Format:
    """Return the message format of the chat behind a URL."""
    # A name with a final dot is the same host.
    host = (urlsplit(url).hostname or "").rstrip(".")
    return next(
        (each for domain, each in HOSTS.items() if host == domain or host.endswith(f".{domain}")),
        Format.SLACK,
    )


def build_body(
    url: str, payload: dict[str, Any], *, account_name: str = "", translate: Callable[[str], str] = str
) -> bytes:
    """Return the body of the request for an event's payload, as JSON in UTF-8."""
    chat_format = format_of(url)
    text = message_text.build(payload, account_name=account_name, translate=translate)
    if chat_format is Format.TEAMS:
        message = _build_card(text)
    else:
        lines = "\n".join([f"Underone: {text.title}", *text.lines])
        message = _BUILDERS[chat_format](escape_and_truncate(lines, ESCAPES[chat_format]))
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def is_accepted(url: str, status: int, body: bytes) -> bool:
    """Return whether the chat accepted the message.

    Some chats respond 200 and report a failure in the body.
    """
    if not 200 <= status < 300:
        return False
    chat_format = format_of(url)
    if chat_format is Format.TEAMS:
        # Older connectors respond 200 with this text instead of an error status.
        return b"delivery failed" not in body
    return chat_format not in RESULT_CODES or _result_code(body, RESULT_CODES[chat_format]) == 0


def escape_and_truncate(text: str, escapes: dict[int, Any]) -> str:
    """Return the text with its characters escaped, truncated between two characters to MAX_TEXT_BYTES."""
    bytes_left = MAX_TEXT_BYTES - len(ELLIPSIS.encode())
    pieces: list[str] = []
    for character in text:
        piece = character.translate(escapes)
        bytes_left -= len(piece.encode())
        if bytes_left < 0:
            return "".join(pieces) + ELLIPSIS
        pieces.append(piece)
    return "".join(pieces)


def _result_code(body: bytes, names: tuple[str, ...]) -> int | None:
    """Return the first of the named fields that the body has, if it is an integer; otherwise None."""
    # Only the first kilobyte of the body is kept, so JSON that is cut off is no result code either.
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    codes = [content[name] for name in names if name in content] if isinstance(content, dict) else []
    # Not isinstance: JSON's false is a bool, which is an int and equals 0, the code for success.
    return codes[0] if codes and type(codes[0]) is int else None


def _build_card(text: MessageText) -> dict[str, Any]:
    title = {
        "type": "TextRun",
        "text": escape_and_truncate(f"Underone: {text.title}", {}),
        "weight": "Bolder",
    }
    lines = [{"type": "TextRun", "text": escape_and_truncate(line, {})} for line in text.lines]
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


def _build_slack(text: str) -> dict[str, Any]:
    # Escaping covers links and mentions only; Slack would still format *bold* and the like.
    return {"text": text, "mrkdwn": False}


def _build_feishu(text: str) -> dict[str, Any]:
    return {"msg_type": "text", "content": {"text": text}}


def _build_wecom(text: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


_BUILDERS = {Format.SLACK: _build_slack, Format.FEISHU: _build_feishu, Format.WECOM: _build_wecom}
