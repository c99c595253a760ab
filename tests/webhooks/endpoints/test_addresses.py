"""Test addresses of endpoints: which are valid, and how they are redacted."""

import pytest

from webhooks.endpoints import addresses

WEBHOOK, EMAIL, SLACK = "webhook", "email", "slack"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (WEBHOOK, "https://hooks.example.com"),
        (WEBHOOK, "https://hooks.example.com/"),
        (WEBHOOK, "https://hooks.example.com/in?team=7&tag=a%20b"),
        (WEBHOOK, "https://hooks.example.com:443/in"),
        (WEBHOOK, "https://xn--bcher-kva.example/in"),
        (EMAIL, "mailto:on-call@example.com"),
        (EMAIL, "mailto:on.call+underone@mail.example.co.jp"),
        (SLACK, "https://hooks.slack.com/services/T000/B000/secret"),
        (SLACK, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secret"),
    ],
)
def test_address_is_accepted(kind: str, url: str) -> None:
    addresses.check(kind=kind, url=url)


@pytest.mark.parametrize(
    ("kind", "url", "why"),
    [
        (WEBHOOK, "", "ASCII"),
        (WEBHOOK, "hooks.example.com", "https|not a valid URL"),
        (WEBHOOK, "//hooks.example.com/in", "https|not a valid URL"),
        (WEBHOOK, "ftp://hooks.example.com", "https|not a valid URL"),
        (WEBHOOK, "javascript:alert(1)", "https|not a valid URL"),
        (WEBHOOK, "mailto:on-call@example.com", "https|not a valid URL"),
        (WEBHOOK, "https://", "https|not a valid URL"),
        (WEBHOOK, "https://[::1", "https|not a valid URL"),
        (WEBHOOK, "https://hooks.example.com:port/", "https|not a valid URL"),
        (WEBHOOK, "https://user@hooks.example.com/", "user name"),
        (WEBHOOK, "https://user:word@hooks.example.com/", "user name"),
        (WEBHOOK, "https://hooks.example.com/a b", "percent-encoded"),
        (WEBHOOK, "https://hooks.example.com/\r\nHost: other", "percent-encoded"),
        (WEBHOOK, "https://bücher.example/in", "percent-encoded"),
        (WEBHOOK, "https://hooks.example.com\u3002evil.example/", "percent-encoded"),
        (SLACK, "http://hooks.slack.com/services/T000", "https"),
        (SLACK, "https://hooks.slack.com/…", "as responses show it"),
        (EMAIL, "on-call@example.com", "mailto:"),
        (EMAIL, "MAILTO:on-call@example.com", "mailto:"),
        (EMAIL, "https://example.com", "mailto:"),
        (EMAIL, "mailto:", "e-mail address"),
        (EMAIL, "mailto:on-call", "e-mail address"),
        (EMAIL, "mailto:a@example.com,b@example.com", "e-mail address"),
        (EMAIL, "mailto:a@example.com?cc=b@example.com", "e-mail address"),
        (EMAIL, "mailto:a@example.com?bcc=b@example.com&subject=x", "e-mail address"),
        (EMAIL, "mailto:On Call <a@example.com>", "e-mail address"),
        (EMAIL, "mailto:a%40b@example.com", "e-mail address"),
        (EMAIL, "mailto:a@example.com%0ABcc:b@example.com", "e-mail address"),
        (EMAIL, "mailto:a@example.com\nBcc: b@example.com", "e-mail address"),
    ],
)
def test_invalid_address_is_refused_with_reason(kind: str, url: str, why: str) -> None:
    with pytest.raises(addresses.InvalidAddress, match=why):
        addresses.check(kind=kind, url=url)


@pytest.mark.parametrize(
    ("kind", "url", "shown"),
    [
        (WEBHOOK, "https://hooks.example.com/in?team=7", "https://hooks.example.com/in?team=7"),
        (EMAIL, "mailto:on-call@example.com", "mailto:on-call@example.com"),
        (SLACK, "https://hooks.slack.com/services/T000/B000/secret", "https://hooks.slack.com/…"),
        (
            SLACK,
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secret",
            "https://qyapi.weixin.qq.com/…",
        ),
        (
            SLACK,
            "https://acme.webhook.office.com:443/webhookb2/secret#part",
            "https://acme.webhook.office.com:443/…",
        ),
    ],
)
def test_chat_url_is_redacted(kind: str, url: str, shown: str) -> None:
    assert addresses.redact(kind=kind, url=url) == shown


@pytest.mark.parametrize(
    ("kind", "url", "host"),
    [
        (WEBHOOK, "https://hooks.example.com/in?token=secret", "hooks.example.com"),
        (SLACK, "https://hooks.slack.com/services/T000/B000/secret", "hooks.slack.com"),
        (EMAIL, "mailto:on-call@example.com", "example.com"),
    ],
)
def test_host_contains_no_secret_and_no_mailbox(kind: str, url: str, host: str) -> None:
    assert addresses.host(kind=kind, url=url) == host
