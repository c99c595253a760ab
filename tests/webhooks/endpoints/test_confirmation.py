"""Test that the owner of a mailbox agrees before events are sent to it, and can end them."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client as Browser

from accounts.models import Role
from accounts.people import mail
from accounts.tenancy import context
from tests import clock
from tests.accounts.people.visitors import Outbox, Visitor, create_member, create_user, new_email
from tests.client import Client
from tests.webhooks.event_builders import (
    change,
    create_mailbox,
    finish_delivery,
    list_audit_entries,
    list_deliveries,
    publish_event,
)
from webhooks.endpoints import confirmation
from webhooks.models import Endpoint

PATH = "/v1/webhook-endpoints"
API = "https://api.agency.example"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def public_url(settings: LazySettings) -> None:
    settings.PUBLIC_URL = API


@pytest.fixture
def post() -> Outbox:
    """Empty: what others left in the queue is theirs."""
    Outbox().collect()
    return Outbox()


@pytest.fixture
def db(committed_db: None) -> None:
    """Commit everything: mails are queued after the commit."""


@pytest.fixture
def mailbox() -> str:
    return new_email()


def create(client: Client, mailbox: str, **fields: Any) -> Any:
    return client.post(PATH, {"kind": "email", "url": f"mailto:{mailbox}"} | fields, format="json")


def ask_again(client: Client, endpoint: str) -> Any:
    return client.post(f"{PATH}/{endpoint}/send-confirmation")


def link(post: Outbox, mailbox: str, name: str = "confirm") -> str:
    """Return path and query of the link in the newest mail to the mailbox."""
    (found,) = re.findall(rf"{API}(/mailboxes/{name}[?]token=[^\s]+)", str(post.to(mailbox)[-1].body))
    return str(found)


def status(client: Client, endpoint: str) -> str:
    return str(client.read(f"{PATH}/{endpoint}")["confirmation"]["status"])


def read_page(path: str, **headers: Any) -> Any:
    return Browser().get(path, HTTP_ACCEPT="text/html", **headers)


def press(path: str) -> Any:
    """Press the button of the page."""
    return Browser().post(path, HTTP_ACCEPT="text/html")


def test_new_mailbox_gets_nothing_but_the_question(acme: Client, post: Outbox, mailbox: str) -> None:
    shop, endpoint = acme.take_on(), create(acme, mailbox).json()
    path = f"{PATH}/{endpoint['id']}"

    publish_event(acme, shop)
    test = acme.post(f"{path}/test", {}, format="json")
    recovery = acme.post(f"{path}/recover", {"since": (clock.NOW - DAY).isoformat()}, format="json")

    asked = endpoint["confirmation"]
    assert (asked["status"], asked["confirmed_at"]) == ("pending", None)
    assert asked["sent_at"] < asked["expires_at"]
    for refused in (test, recovery):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/mailbox-unconfirmed")
    assert list_deliveries(acme, endpoint["id"]) == []
    (question,) = post.to(mailbox)
    assert question.subject == "[Underone] Confirm this mailbox"
    assert "The agency “Acme” wants to send notifications" in str(question.body)


def test_page_asks_and_only_its_button_confirms(acme: Client, post: Outbox, mailbox: str) -> None:
    shop, endpoint = acme.take_on(), create(acme, mailbox).json()["id"]
    where = link(post, mailbox)

    # Programs that check mails open every link, some of them several times.
    shown = [read_page(where) for _ in range(3)]
    before = status(acme, endpoint)
    done = press(where)

    assert ({page.status_code for page in shown}, before) == ({200}, "pending")
    page, headers = shown[0].content.decode(), shown[0].headers
    assert '<form method="post"><button>Receive notifications</button></form>' in page
    assert "Acme" in page
    assert mailbox in page
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "The mailbox is confirmed" in done.content.decode()
    assert status(acme, endpoint) == "confirmed"
    publish_event(acme, shop)
    assert len(list_deliveries(acme, endpoint)) == 1
    assert ("endpoint.confirmed", endpoint) in list_audit_entries(acme)


def test_events_of_before_the_confirmation_can_be_recovered(acme: Client, post: Outbox, mailbox: str) -> None:
    shop, endpoint = acme.take_on(), create(acme, mailbox).json()["id"]
    publish_event(acme, shop)
    press(link(post, mailbox))

    before = list_deliveries(acme, endpoint)
    since = {"since": (clock.NOW - DAY).isoformat()}
    recovered = acme.post(f"{PATH}/{endpoint}/recover", since, format="json").json()

    assert (before, recovered["deliveries"]) == ([], 1)


def test_front_end_confirms_with_the_token(acme: Client, post: Outbox, mailbox: str) -> None:
    endpoint = create(acme, mailbox).json()["id"]
    token = post.token(mailbox)

    answers = [Visitor().send(f"{PATH}/confirm", token=token) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 403]
    assert answers[0].json() == {"agency_name": "Acme", "mailbox": mailbox}
    assert answers[1].json()["type"] == "/problems/token-opens-nothing"
    assert status(acme, endpoint) == "confirmed"


def test_link_is_used_once(acme: Client, post: Outbox, mailbox: str) -> None:
    create(acme, mailbox)
    where = link(post, mailbox)

    answers = [press(where).status_code for _ in range(2)]

    assert answers == [200, 404]
    assert "This link is no longer valid" in read_page(where).content.decode()


def test_link_expires_and_a_new_one_can_be_sent(acme: Client, post: Outbox, mailbox: str) -> None:
    endpoint = create(acme, mailbox).json()["id"]
    old = link(post, mailbox)
    clock.clock.advance(confirmation.LIFETIME + timedelta(seconds=1))

    expired = status(acme, endpoint)
    answers = [press(old).status_code, ask_again(acme, endpoint).status_code, status(acme, endpoint)]

    assert (expired, answers) == ("expired", [404, 202, "pending"])
    assert press(link(post, mailbox)).status_code == 200


def test_new_link_replaces_the_former_one(acme: Client, post: Outbox, mailbox: str) -> None:
    endpoint = create(acme, mailbox).json()["id"]
    former = link(post, mailbox)
    ask_again(acme, endpoint)

    assert press(former).status_code == 404
    assert press(link(post, mailbox)).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "uo_box_", "uo_box_eyJhIjoxfQ:1:x", "uo_inv_x", "uo_end_x", "\0"])
def test_forged_token_is_refused(acme: Client, mailbox: str, token: str) -> None:
    create(acme, mailbox)

    pages = [Browser().get(f"/mailboxes/{page}", {"token": token}) for page in ("confirm", "unsubscribe")]
    pages += [
        Browser().post("/mailboxes/confirm"),
        Browser().post("/mailboxes/unsubscribe", {"token": token}),
    ]

    assert [page.status_code for page in pages] == [404] * 4
    assert Visitor().send(f"{PATH}/confirm", token=token or "x").status_code in {400, 403}


def test_digest_in_the_database_confirms_nothing(acme: Client, post: Outbox, mailbox: str) -> None:
    create(acme, mailbox)
    with context.agency(acme.agency.pk):
        stored = bytes(Endpoint.objects.get().confirmation_digest or b"")

    assert len(stored) == 32
    assert stored.hex() not in str(post.to(mailbox)[-1].body)
    assert Visitor().send(f"{PATH}/confirm", token=f"uo_box_{stored.hex()}").status_code == 403


def test_mailbox_is_asked_three_times_a_day_over_all_endpoints(
    acme: Client, post: Outbox, mailbox: str
) -> None:
    answers = []
    for spelling in (mailbox, mailbox.upper(), mailbox.replace("@", "+2@"), mailbox):
        response = create(acme, spelling)
        answers.append(response.status_code)
        if response.status_code == 201:
            acme.delete(f"{PATH}/{response.json()['id']}")

    assert answers == [201, 201, 201, 429]
    assert 80_000 < int(response.headers["Retry-After"]) <= 86_401
    assert len(post.collect()) == 3
    clock.clock.advance(DAY)
    assert create(acme, mailbox).status_code == 201


def test_own_address_of_a_member_needs_no_confirmation(acme: Client, post: Outbox) -> None:
    mei = create_user()
    create_member(acme.agency, mei, role=Role.MANAGER)
    visitor = Visitor()
    visitor.sign_in(mei.email)
    Outbox().collect()

    own = visitor.send(PATH, kind="email", url=f"mailto:{mei.email}").json()
    other = visitor.send(PATH, kind="email", url=f"mailto:{new_email()}").json()

    assert (own["confirmation"]["status"], own["confirmation"]["sent_at"]) == ("confirmed", None)
    assert other["confirmation"]["status"] == "pending"
    assert post.to(mei.email) == []


@pytest.mark.parametrize(
    "spelling", ["{0}@agency.example", "{1}@Agency.Example", "{0}+alerts@agency.example"]
)
def test_mailbox_has_one_endpoint_in_an_agency(
    acme: Client, rival: Client, mailbox: str, spelling: str
) -> None:
    name = mailbox.partition("@")[0]
    same = spelling.format(name, name.upper())
    first, other = (create(acme, each).json()["id"] for each in (mailbox, new_email()))
    move = {"url": f"mailto:{same}"}

    refused = [create(acme, same), acme.patch(f"{PATH}/{other}", move, format="json")]
    elsewhere = create(rival, same)

    for response in refused:
        assert (response.status_code, response.json()["type"]) == (409, "/problems/mailbox-in-use")
    assert elsewhere.status_code == 201
    acme.delete(f"{PATH}/{first}")
    assert acme.patch(f"{PATH}/{other}", move, format="json").status_code == 200


def test_new_address_is_asked_and_gets_no_delivery_of_the_former(acme: Client, post: Outbox) -> None:
    shop, endpoint, other = acme.take_on(), create_mailbox(acme), new_email()
    publish_event(acme, shop)
    former = link(post, "on-call@agency.example", "unsubscribe")

    changed = change(acme, endpoint, url=f"mailto:{other}")
    publish_event(acme, shop)

    assert changed["confirmation"]["status"] == "pending"
    assert [each["state"] for each in list_deliveries(acme, endpoint)] == ["failed"]
    assert press(former).status_code == 404
    assert press(link(post, other)).status_code == 200


def test_other_changes_keep_the_confirmation(acme: Client, post: Outbox) -> None:
    endpoint = create_mailbox(acme)

    changed = change(acme, endpoint, description="On call", event_types=["breach.*"], enabled=True)

    assert changed["confirmation"]["status"] == "confirmed"


def test_unsubscribing_disables_the_endpoint_and_is_recorded(
    acme: Client, post: Outbox, mailbox: str
) -> None:
    shop, endpoint = acme.take_on(), create(acme, mailbox).json()["id"]
    press(link(post, mailbox))
    where = link(post, mailbox, "unsubscribe")

    asked, before = read_page(where), acme.read(f"{PATH}/{endpoint}")
    # As a mail provider sends it: a form, and no cookie.
    answers = [Browser().post(where, {"List-Unsubscribe": "One-Click"}).status_code for _ in range(2)]
    publish_event(acme, shop)

    after = acme.read(f"{PATH}/{endpoint}")
    assert "<button>Unsubscribe</button>" in asked.content.decode()
    assert (before["enabled"], answers) == (True, [200, 200])
    assert (after["enabled"], after["disabled_reason"]) == (False, "unsubscribed")
    assert list_deliveries(acme, endpoint) == []
    entries = [what for what, about in list_audit_entries(acme) if about == endpoint]
    assert entries == [f"endpoint.{what}" for what in ("disabled", "unsubscribed", "confirmed", "created")]
    who = {each["what"]: each["who"] for each in acme.read("/v1/audit-log")["data"]}
    assert who["endpoint.disabled"] == who["endpoint.unsubscribed"] == "mailbox"
    assert "endpoint.disabled" in [each["type"] for each in acme.read("/v1/events")["data"]]


def test_unsubscribed_mailbox_is_not_asked_again_for_a_week(acme: Client, post: Outbox, mailbox: str) -> None:
    endpoint = create(acme, mailbox).json()["id"]
    press(link(post, mailbox, "unsubscribe"))

    enabled = acme.patch(f"{PATH}/{endpoint}", {"enabled": True}, format="json")
    again = ask_again(acme, endpoint)
    acme.delete(f"{PATH}/{endpoint}")
    anew = create(acme, mailbox)

    assert [each.status_code for each in (enabled, again, anew)] == [429, 429, 429]
    assert int(anew.headers["Retry-After"]) > 6 * 86_400
    assert len(post.to(mailbox)) == 1
    clock.clock.advance(timedelta(days=7))
    assert create(acme, mailbox).json()["confirmation"]["status"] == "pending"


def test_enabling_an_unsubscribed_endpoint_asks_the_mailbox(acme: Client, post: Outbox, mailbox: str) -> None:
    endpoint = create(acme, mailbox).json()["id"]
    unsubscribe = link(post, mailbox, "unsubscribe")
    press(link(post, mailbox))
    change(acme, endpoint, enabled=False)
    press(unsubscribe)
    clock.clock.advance(timedelta(days=8))

    enabled = change(acme, endpoint, enabled=True)

    assert (enabled["enabled"], enabled["confirmation"]["status"]) == (True, "pending")
    assert acme.post(f"{PATH}/{endpoint}/test", {}, format="json").status_code == 409


def test_question_has_headers_for_mail_providers(acme: Client, post: Outbox, mailbox: str) -> None:
    create(acme, mailbox)

    (sent,) = post.to(mailbox)

    headers = message_from_bytes(sent.message().as_bytes(), policy=policy.default)
    url = headers["List-Unsubscribe"].strip(" <>")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert urlsplit(url)[:3] == ("https", "api.agency.example", "/mailboxes/unsubscribe")


def test_question_without_public_url_leads_to_the_front_end(
    acme: Client, post: Outbox, mailbox: str, settings: LazySettings
) -> None:
    settings.PUBLIC_URL, settings.PEOPLE_URL = "", "https://app.agency.example"
    create(acme, mailbox)

    (sent,) = post.to(mailbox)

    assert f"https://app.agency.example/confirm-mailbox#token={post.token(mailbox)}" in str(sent.body)
    assert "List-Unsubscribe" not in sent.extra_headers


def test_link_of_a_closed_agency_opens_nothing(acme: Client, post: Outbox, mailbox: str) -> None:
    create(acme, mailbox)
    where = link(post, mailbox)
    closed = acme.delete("/v1/agency", {"confirm": "close Acme"}, format="json")

    assert closed.status_code < 300, closed.content
    assert press(where).status_code == 404


@pytest.mark.parametrize("name", ["root@localhost", "ops@[127.0.0.1]", "ops@db.internal", "a@intranet"])
def test_local_address_is_refused_everywhere(acme: Client, post: Outbox, name: str) -> None:
    answers = [
        create(acme, name),
        acme.post("/v1/invitations", {"email": name, "role": "viewer"}, format="json"),
    ]

    assert [each.status_code in {400, 409} for each in answers] == [True, True]
    assert [each.json()["errors"][0]["pointer"] for each in answers] == ["/url", "/email"]
    assert post.collect() == []


def test_page_speaks_the_language_of_its_reader(acme: Client, post: Outbox, mailbox: str) -> None:
    create(acme, mailbox)

    page = read_page(link(post, mailbox), HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()

    assert '<html lang="zh-hans">' in page
    assert "接收通知" in page


def test_webhooks_and_chats_are_not_asked(acme: Client, post: Outbox) -> None:
    endpoint = acme.listen()

    response = ask_again(acme, endpoint["id"])

    assert endpoint["confirmation"] is None
    assert (response.status_code, response.json()["type"]) == (409, "/problems/not-a-mailbox")


def test_mailbox_is_refused_without_mail_server(acme: Client, mailbox: str, settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = mail.NO_MAIL_SERVER

    refused = create(acme, mailbox)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/mail-unavailable")
    assert "set `EMAIL_URL`" in refused.json()["detail"]
    assert acme.read(PATH)["data"] == []
    assert acme.listen()["kind"] == "webhook"


def test_what_sends_mails_to_a_mailbox_is_refused_without_mail_server(
    acme: Client, shop: str, settings: LazySettings
) -> None:
    endpoint = create_mailbox(acme)
    publish_event(acme, shop)
    (delivery,) = list_deliveries(acme, endpoint)
    finish_delivery(acme, delivery["id"], "failed")
    settings.EMAIL_BACKEND = mail.NO_MAIL_SERVER

    def update(**fields: Any) -> Any:
        return acme.patch(f"{PATH}/{endpoint}", fields, format="json")

    refused = [
        update(url=f"mailto:{new_email()}"),
        ask_again(acme, endpoint),
        acme.post(f"{PATH}/{endpoint}/test", {}, format="json"),
        acme.post(f"{PATH}/{endpoint}/recover", {"since": clock.NOW - DAY}, format="json"),
        acme.post(f"/v1/deliveries/{delivery['id']}/redeliver"),
    ]
    accepted = [update(description="At night", enabled=True), update(enabled=False)]
    refused.append(update(enabled=True))

    assert [each.json().get("type") for each in refused] == ["/problems/mail-unavailable"] * 6
    assert [each.status_code for each in accepted] == [200, 200]
