"""Why an endpoint or a delivery cannot have what is asked of it now."""

from rest_framework.exceptions import APIException

from webhooks import endpoints


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
