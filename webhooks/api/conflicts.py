"""Why an endpoint or a delivery cannot have what is asked of it now."""

from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.people.rate_limits import limit
from accounts.tenancy import context
from webhooks.endpoints import lifecycle as endpoints
from webhooks.endpoints import test_mail_limits
from webhooks.models import Endpoint


class TooManyEndpoints(APIException):
    status_code = 409
    default_code = "too-many-endpoints"
    default_detail = endpoints.AGENCY_IS_FULL


class EndpointDisabled(APIException):
    status_code = 409
    default_code = "endpoint-disabled"
    default_detail = 'Nothing is sent to this endpoint. Enable it first: PATCH {"enabled": true}.'


class NothingSigned(APIException):
    status_code = 409
    default_code = "nothing-signed"
    default_detail = "Only endpoints of the kind webhook have a secret: mail and chats are not signed."


class DeliveryPending(APIException):
    status_code = 409
    default_code = "delivery-pending"
    default_detail = "The delivery is on its way; next_attempt_at says when it is tried."


def limit_mails(request: Request, endpoint: Endpoint) -> None:
    """Nobody's mailbox is filled with what was sent before. Raises Throttled."""
    if endpoint.kind == Endpoint.Kind.EMAIL:
        limit(request, "mail_again", key=test_mail_limits.mark(endpoint))
        limit(request, "mail_anybody_again", key=context.principal(request).agency.public_id)
