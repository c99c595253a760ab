"""Views of seller accounts."""

from typing import Any, ClassVar

from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import lifecycle as agencies
from accounts.agencies.account_serializers import AccountChange, AccountSerializer
from accounts.agencies.filters import AccountFilter
from accounts.models import Role, SellerAccount, SellerAccountQuerySet
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api.csv import Sheet

ORDERINGS = tuple(
    sign + field for field in ("id", "name", "created_at", "status", "distance", "open_breaches") for sign in ("", "-")
)
ORDERING = (
    "Newest first by default. By `distance`, the accounts that are farthest beyond their limits come first, those without a "
    "distance last; by `-distance` all the other way round."
)


def shown(accounts: Any, *, many: bool = False) -> AccountSerializer:
    """An account, or several, as they stand at this moment."""
    return AccountSerializer(accounts, many=many, context={"now": timezone.now()})


class AccountExists(APIException):
    status_code = 409
    default_code = "account-exists"
    default_detail = "The agency already looks after an account with this selling_partner_id."


class AccountsCsv(Sheet):
    """One line an account."""

    columns = (
        *("id", "name", "selling_partner_id", "home_marketplace", "external_id", "marketplaces", "status", "distance"),
        *("worst_series", "open_breaches", "open_warnings", "stale", "created_at"),
    )

    def row(self, told: dict[str, Any]) -> dict[str, Any]:
        worst = told["worst_series"] or {}
        return told | {"worst_series": [worst[name] for name in ("metric", "marketplace", "channel") if name in worst]}


class Accounts(Collection[SellerAccount]):
    renderer_classes = (JSONRenderer, AccountsCsv)
    serializer_class = AccountSerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = AccountFilter
    whole_agency = ("post",)
    problems = {"post": (AccountExists,)}  # noqa: RUF012
    queryset = SellerAccount.objects.none()  # for the document; requests go through scoping

    def get_queryset(self) -> SellerAccountQuerySet:
        return context.accounts_of(self.request)

    def get_ordering(self) -> str:
        ordering = self.request.query_params.get("ordering", "-id")
        if ordering not in ORDERINGS:
            raise ValidationError({"ordering": f"One of {', '.join(ORDERINGS)}."})
        return ordering.replace("distance", "ordered_distance")

    @extend_schema(
        operation_id="listAccounts",
        summary="The agency's seller accounts",
        tags=["Accounts"],
        parameters=[OpenApiParameter("ordering", enum=ORDERINGS, default="-id", description=ORDERING)],
        responses={(200, "application/json"): AccountSerializer(many=True), (200, "text/csv"): str},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(shown(page, many=True).data)

    @extend_schema(
        operation_id="createAccount",
        summary="Look after another seller account",
        tags=["Accounts"],
        request=AccountSerializer,
        responses={201: AccountSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = AccountSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = {"external_id": None} | wanted.validated_data
        try:
            bearer = context.bearer(request)
            account = agencies.take_on(agency=bearer.agency, who=bearer.who, now=timezone.now(), **fields)
        except agencies.AlreadyLookedAfter:
            raise AccountExists from None
        return Response(shown(account).data, status=201, headers={"Location": f"/v1/accounts/{account.public_id}"})


class Account(Resource):
    needs: ClassVar = {"delete": Role.ADMIN}

    @extend_schema(operation_id="getAccount", summary="One seller account", tags=["Accounts"], responses=AccountSerializer)
    def get(self, request: Request, account_id: str) -> Response:
        return Response(shown(context.account_of(request, account_id)).data)

    @extend_schema(
        operation_id="changeAccount",
        summary="Change an account's name, or your own for it",
        tags=["Accounts"],
        request=AccountChange,
        responses=AccountSerializer,
    )
    def patch(self, request: Request, account_id: str) -> Response:
        account = context.account_of(request, account_id)
        change = AccountChange(account, data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        who = context.bearer(request).who
        agencies.change(thing=account, fields=change.validated_data, who=who, now=timezone.now())
        return Response(shown(account).data)

    @extend_schema(
        operation_id="handBackAccount",
        summary="Stop looking after an account",
        description="It is gone from every answer at once; its facts, counts and documents are erased within the hour.",
        tags=["Accounts"],
        responses={204: None},
    )
    def delete(self, request: Request, account_id: str) -> Response:
        who = context.bearer(request).who
        agencies.hand_back(account=context.account_of(request, account_id), who=who, now=timezone.now())
        return Response(status=204)
