"""Serve the confirmation of mailboxes: send the e-mail again, and accept the token from it."""

from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people.api.auth_problems import MailUnavailable, TokenFailed
from accounts.people.rate_limits import limit
from accounts.requests.views import Resource
from accounts.tenancy import context as tenant_context
from webhooks.api.conflicts import NotAMailbox, check_can_send
from webhooks.api.endpoint_serializers import ConfirmedMailbox, ConfirmMailbox, EndpointSerializer
from webhooks.api.endpoint_views import NOT_FOUND, TAGS, asked_too_often, endpoint_of, serializer_context
from webhooks.endpoints import confirmation
from webhooks.endpoints import lifecycle as endpoints
from webhooks.models import Endpoint

TOKEN_FAILED = "The token is unknown, used, replaced or expired. Ask the agency to send a new e-mail."  # noqa: S105  a sentence


class SendConfirmation(Resource):
    problems = {"post": (NotAMailbox, MailUnavailable, 429)}  # noqa: RUF012

    @extend_schema(
        operation_id="sendConfirmation",
        summary="Send the confirmation again",
        description="Sends the e-mail that asks the owner of a mailbox to confirm the endpoint again, with a new "
        "link. The former link can no longer be used. A mailbox can be asked three times a day, and for seven days "
        "not at all after its owner refused or unsubscribed. A confirmed mailbox is not asked.",
        tags=TAGS,
        request=None,
        responses={202: EndpointSerializer},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        if endpoint.kind != Endpoint.Kind.EMAIL:
            raise NotAMailbox
        check_can_send(endpoint.kind)
        actor = tenant_context.principal(request).actor
        try:
            asked = endpoints.ask_again(endpoint=endpoint, actor=actor, now=timezone.now())
        except confirmation.AskedTooOften as error:
            raise asked_too_often(error) from None
        except Endpoint.DoesNotExist:
            raise NotFound(NOT_FOUND) from None
        context = serializer_context(request, [asked])
        return Response(EndpointSerializer(asked, context=context).data, status=202)


@method_decorator(never_cache, name="dispatch")
class Confirm(Resource):
    authentication_classes = ()
    permission_classes = ()
    problems = {"post": (400, TokenFailed, 406, 413, 415, 429, 500, 503)}  # noqa: RUF012

    @extend_schema(
        operation_id="confirmMailbox",
        summary="Confirm a mailbox",
        description="Accepts the token from the e-mail to a mailbox. Events are sent to it from then on. A front end "
        "calls this operation on its page `/confirm-mailbox`.",
        tags=TAGS,
        request=ConfirmMailbox,
        responses=ConfirmedMailbox,
    )
    def post(self, request: Request) -> Response:
        body = ConfirmMailbox(data=request.data)
        body.is_valid(raise_exception=True)
        limit(request, "accept")
        try:
            confirmed = confirmation.confirm(token=body.validated_data["token"], now=timezone.now())
        except confirmation.UnknownToken:
            raise TokenFailed(TOKEN_FAILED) from None
        return Response(ConfirmedMailbox(confirmed).data)
