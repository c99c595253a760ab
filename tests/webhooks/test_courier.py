"""Events arrive at a real receiver: signed, once, in order, whatever other receivers do."""

from standardwebhooks import Webhook

from tests.webhooks.conftest import Sender, work
from tests.webhooks.receiving import Receiver


def test_an_event_arrives_signed_and_is_delivered(sender: Sender, receiver: Receiver) -> None:
    endpoint, secret = sender.endpoint(receiver.url("ok/first"))
    (event,) = sender.publish(current="NORMAL")

    work()

    (got,) = receiver.received("ok/first")
    assert Webhook(secret).verify(got["body"], got["headers"])["id"] == event
    assert sender.states(endpoint) == ["delivered"]
