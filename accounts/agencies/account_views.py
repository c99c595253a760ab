"""Serve seller accounts: list, create, get, update, delete."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import lifecycle as agencies
from accounts.agencies.account_serializers import AccountSerializer, UpdateAccount
from accounts.agencies.filters import AccountFilter
from accounts.agencies.renderers import AccountsCsv
from accounts.models import Role, SellerAccount, SellerAccountQuerySet
from accounts.requests import unchangeable
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api import choices
from api.strict_fields import Contradiction

IDENTITY = ("selling_partner_id", "home_marketplace")
ORDERINGS = tuple(
    sign + field
    for field in ("id", "name", "created_at", "status", "distance", "open_breaches")
    for sign in ("", "-")
)
ORDERING = (
    "The field to sort by, with `-` for descending order. By default, the newest accounts come first. "
    "`distance` returns the accounts farthest beyond their targets first, and accounts without a "
    "distance last. `-distance` returns the reverse order. `status` returns the worst status first."
)


def serialize(accounts: Any, *, many: bool = False) -> AccountSerializer:
    """Return a serializer of one account or several, as of now."""
    return AccountSerializer(accounts, many=many, context={"now": timezone.now()})


class AccountExists(APIException):
    status_code = 409
    default_code = "account-exists"
    default_detail = "The agency already has an account with this selling_partner_id."


class Accounts(Collection[SellerAccount]):
    renderer_classes = (JSONRenderer, AccountsCsv)
    serializer_class = AccountSerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = AccountFilter
    whole_agency = ("post",)
    problems = {"post": (AccountExists,)}  # noqa: RUF012
    # For the OpenAPI document only; requests go through the tenant context.
    queryset = SellerAccount.objects.none()

    def get_queryset(self) -> SellerAccountQuerySet:
        # The filter chooses between accounts and deleted accounts. A deleted account is in no other response.
        if self.request.query_params.get("deleted"):
            return context.stored_accounts(self.request)
        return context.visible_accounts(self.request)

    def get_ordering(self) -> str:
        ordering = self.request.query_params.get("ordering", "-id")
        if ordering not in ORDERINGS:
            raise ValidationError({"ordering": choices.expected(ORDERINGS, given=ordering)})
        # A cursor compares values: `distance` may be null, and the words of statuses are in no order.
        return ordering.replace("distance", "ordered_distance").replace("status", "severity")

    @extend_schema(
        operation_id="listAccounts",
        summary="List accounts",
        description="Returns the accounts of the agency.",
        tags=["Accounts"],
        parameters=[OpenApiParameter("ordering", enum=ORDERINGS, default="-id", description=ORDERING)],
        responses=AccountSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(serialize(page, many=True).data)

    @extend_schema(
        operation_id="createAccount",
        summary="Create an account",
        description="Creates a seller account of the agency.",
        tags=["Accounts"],
        request=AccountSerializer,
        responses={201: AccountSerializer},
    )
    def post(self, request: Request) -> Response:
        body = AccountSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fields = {"external_id": None} | body.validated_data
        principal = context.principal(request)
        try:
            account = agencies.create_account(
                agency=principal.agency, actor=principal.actor, now=timezone.now(), **fields
            )
        except agencies.AccountExists:
            raise AccountExists from None
        return Response(
            serialize(account).data, status=201, headers={"Location": f"/v1/accounts/{account.public_id}"}
        )


class Account(Resource):
    required_roles: ClassVar = {"delete": Role.ADMIN}
    problems: ClassVar = {"patch": (Contradiction, AccountExists)}
    unchangeable_because: ClassVar = dict.fromkeys(
        (
            *("status", "marketplaces", "amazon_statuses", "distance", "worst_series"),
            *("open_breaches", "open_warnings", "stale", "status_decided_by", "account_health_assurance"),
        ),
        unchangeable.COMPUTED,
    )
    # Reports are a matter of an upper layer, which routes this view (ingestion/api/urls.py).
    has_reports: Callable[[SellerAccount], bool] | None = None

    @extend_schema(
        operation_id="getAccount",
        summary="Get an account",
        description="Returns one account.",
        tags=["Accounts"],
        responses=AccountSerializer,
    )
    def get(self, request: Request, account_id: str) -> Response:
        return Response(serialize(context.visible_account(request, account_id)).data)

    @extend_schema(
        operation_id="updateAccount",
        summary="Update an account",
        description="Changes the name or the external ID of an account. Until a report is received for it, "
        "`selling_partner_id` and `home_marketplace` can be changed too; later use `POST "
        "/v1/accounts/{account_id}/corrections`.",
        tags=["Accounts"],
        request=UpdateAccount,
        responses=AccountSerializer,
    )
    def patch(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        body = UpdateAccount(account, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        self._check_identity(account, body.validated_data)
        actor = context.principal(request).actor
        try:
            agencies.update(instance=account, fields=body.validated_data, actor=actor, now=timezone.now())
        except agencies.AccountExists:
            raise AccountExists from None
        return Response(serialize(account).data)

    def _check_identity(self, account: SellerAccount, fields: Mapping[str, Any]) -> None:
        """Raise Contradiction for another selling partner or home marketplace of an account with reports."""
        changed = [
            name for name in IDENTITY if fields.get(name, getattr(account, name)) != getattr(account, name)
        ]
        if changed and self.has_reports and self.has_reports(account):
            path = f"POST /v1/accounts/{account.public_id}/corrections"
            raise Contradiction(
                dict.fromkeys(
                    changed, f"The account has reports. Correct it with `{path}`, which keeps its history."
                )
            )

    @extend_schema(
        operation_id="deleteAccount",
        summary="Delete an account",
        description="Deletes the account. It disappears from all other responses immediately, its reports are "
        "not loaded, and its events are not sent. Its data is kept for 7 days (unless the operator set another "
        "time): until then `GET /v1/accounts?deleted=true` lists it with `restorable_until`, `POST "
        "/v1/accounts/{account_id}/restore` restores it, and its exports can be downloaded. After that, "
        "everything is erased within an hour, except its entries in the audit log.",
        tags=["Accounts"],
        responses={204: None},
    )
    def delete(self, request: Request, account_id: str) -> Response:
        actor = context.principal(request).actor
        agencies.delete_account(
            account=context.visible_account(request, account_id), actor=actor, now=timezone.now()
        )
        return Response(status=204)
