"""Define the problems of endpoints and deliveries, and refuse or limit requests that send e-mails."""

from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.people.api.auth_problems import check_mail_available
from accounts.people.rate_limits import limit
from accounts.tenancy import context
from webhooks.endpoints import lifecycle as endpoints
from webhooks.endpoints import mailbox_limits
from webhooks.models import Endpoint


class TooManyEndpoints(APIException):
    status_code = 409
    default_code = "too-many-endpoints"
    default_detail = endpoints.AGENCY_LIMIT


class EndpointDisabled(APIException):
    status_code = 409
    default_code = "endpoint-disabled"
    default_detail = 'The endpoint is disabled. Enable it first: PATCH {"enabled": true}.'


class MailboxUnconfirmed(APIException):
    status_code = 409
    default_code = "mailbox-unconfirmed"
    default_detail = (
        "The owner of the mailbox has not confirmed the endpoint. Send the e-mail that asks for it again with "
        "`send-confirmation`."
    )


class MailboxInUse(APIException):
    status_code = 409
    default_code = "mailbox-in-use"
    default_detail = (
        "Another endpoint of the agency has this mailbox. Subscribe that one to more events. Upper case and the "
        "part after `+` make no other mailbox."
    )


class NotAMailbox(APIException):
    status_code = 409
    default_code = "not-a-mailbox"
    default_detail = "Only endpoints of kind `email` are confirmed."


class NothingSigned(APIException):
    status_code = 409
    default_code = "nothing-signed"
    default_detail = (
        "Only endpoints of kind `webhook` have a signing secret. E-mails and chat messages are not signed."
    )


class DeliveryPending(APIException):
    status_code = 409
    default_code = "delivery-pending"
    default_detail = "The delivery is still pending. `next_attempt_at` says when it is sent."


def check_can_send(kind: str) -> None:
    """Raise MailUnavailable for an endpoint of kind `email` if the installation sends no e-mails."""
    if kind == Endpoint.Kind.EMAIL:
        check_mail_available()


def limit_mails(request: Request, endpoint: Endpoint) -> None:
    """Count a request that sends e-mails again, by mailbox and by agency. Raises MailUnavailable, Throttled."""
    check_can_send(endpoint.kind)
    # By agency as well: a mailbox has as many endpoints, and an agency as many mailboxes, as it creates.
    if endpoint.kind == Endpoint.Kind.EMAIL:
        limit(request, "mail_again", key=mailbox_limits.mailbox_key(endpoint))
        limit(request, "mail_anybody_again", key=context.principal(request).agency.public_id)
