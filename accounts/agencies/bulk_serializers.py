"""The shapes of many accounts taken on at once."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.account_serializers import ACCOUNT, NEW_ACCOUNT, AccountSerializer
from api.strict_fields import Body

MOST = 500
INVALID = {
    "type": "/problems/invalid-request",
    "title": "The request is not valid",
    "status": 400,
    "detail": "/accounts/1/home_marketplace: This field is required.",
    "errors": [{"pointer": "/accounts/1/home_marketplace", "detail": "This field is required."}],
}
BULK = {
    "data": [
        {"index": 0, "status": "created", "account": ACCOUNT, "problem": None},
        {"index": 1, "status": "invalid", "account": None, "problem": INVALID},
    ]
}


@extend_schema_field({"anyOf": [{"$ref": "#/components/schemas/AccountRequest"}, {}]})
class RowField(serializers.JSONField):
    """For the document: an account as one alone is taken on, or what is answered as `invalid` and stops no other."""


@extend_schema_serializer(examples=[OpenApiExample("Two accounts", value={"accounts": [NEW_ACCOUNT, {"name": "Südwind"}]})])
class BulkAsked(Body):
    """For the document: rows are checked one by one."""

    accounts = serializers.ListField(child=RowField(), min_length=1, max_length=MOST)


class BulkRows(Body):
    accounts = serializers.ListField(child=serializers.JSONField(allow_null=True), min_length=1, max_length=MOST)


class RowError(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body of the request.")
    detail = serializers.CharField()


class RowProblem(serializers.Serializer[Any]):
    """What is wrong with one row, as a problem (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = RowError(many=True)  # type: ignore[assignment]  # a field of the RFC


class BulkRow(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Which row of the request, from 0.")
    status = serializers.ChoiceField(
        choices=("created", "exists", "invalid"),
        help_text="`exists`: the agency looks after this selling partner already, also by a row before; nothing was changed.",
    )
    account = AccountSerializer(allow_null=True)
    problem = RowProblem(allow_null=True)


@extend_schema_serializer(examples=[OpenApiExample("One taken on, one refused", value=BULK, response_only=True)])
class BulkAnswer(serializers.Serializer[Any]):
    data = BulkRow(many=True)  # type: ignore[assignment]  # a field of the contract


def problem_of(errors: dict[str, list[str]], *, index: int) -> dict[str, Any]:
    """The problem of one row, with pointers into the whole body."""
    told = [
        {"pointer": f"/accounts/{index}" + ("" if name == "non_field_errors" else f"/{name}"), "detail": str(message)}
        for name, messages in errors.items()
        for message in messages
    ]
    detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in told[:3])
    return {name: INVALID[name] for name in ("type", "title", "status")} | {"detail": detail, "errors": told}
