"""Validate and render requests that create many accounts."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.account_serializers import ACCOUNT, NEW_ACCOUNT, AccountSerializer
from api.problem_types import BY_SLUG
from api.strict_fields import Body
from api.translation import translate

MAX_ROWS = 500
INVALID = {
    "type": "/problems/invalid-request",
    "title": BY_SLUG["invalid-request"].title,
    "status": 400,
    "detail": "/accounts/1/home_marketplace: This field is required.",
    "errors": [{"pointer": "/accounts/1/home_marketplace", "detail": "This field is required."}],
}
RESULTS = {
    "data": [
        {"index": 0, "status": "created", "account": ACCOUNT, "problem": None},
        {"index": 1, "status": "invalid", "account": None, "problem": INVALID},
    ]
}


@extend_schema_field({"anyOf": [{"$ref": "#/components/schemas/AccountRequest"}, {}]})
class RowField(serializers.JSONField):
    """Describe a row in the OpenAPI document as an account to create.

    Any other value gets the result `invalid`.
    """


@extend_schema_serializer(
    examples=[OpenApiExample("Two accounts", value={"accounts": [NEW_ACCOUNT, {"name": "Südwind"}]})]
)
class BulkCreateAccounts(Body):
    """Accounts to create. Each row is processed independently."""

    accounts = serializers.ListField(
        child=RowField(), min_length=1, max_length=MAX_ROWS, help_text="The accounts to create, one a row."
    )


class BulkRows(Body):
    """Check only the list. The view checks the rows one by one."""

    accounts = serializers.ListField(
        child=serializers.JSONField(allow_null=True), min_length=1, max_length=MAX_ROWS
    )


class RowError(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the request body.")
    detail = serializers.CharField(help_text="A description of the error.")


class RowProblem(serializers.Serializer[Any]):
    """Why one row was not created, as a problem (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = RowError(many=True)  # type: ignore[assignment]  # a field of the RFC


class BulkCreateResult(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Position of the row in the request, from 0.")
    status = serializers.ChoiceField(
        choices=("created", "exists", "invalid"),
        help_text="`exists`: the agency already has an account with this selling partner ID, possibly from "
        "an earlier row. "
        "It was not changed.",
    )
    account = AccountSerializer(allow_null=True, help_text="The account. Null if the row is invalid.")
    problem = RowProblem(allow_null=True, help_text="The error in the row. Null unless the row is invalid.")


@extend_schema_serializer(
    examples=[OpenApiExample("One created, one invalid", value=RESULTS, response_only=True)]
)
class BulkCreateResults(serializers.Serializer[Any]):
    data = BulkCreateResult(many=True)  # type: ignore[assignment]  # a field of the contract


def row_problem(errors: dict[str, list[str]], *, index: int) -> dict[str, Any]:
    """Build the problem of one row, with pointers into the whole body."""
    messages = [
        {
            "pointer": f"/accounts/{index}" + ("" if name == "non_field_errors" else f"/{name}"),
            "detail": translate(str(message)),
        }
        for name, texts in errors.items()
        for message in texts
    ]
    detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in messages[:3])
    return {name: INVALID[name] for name in ("type", "status")} | {
        "title": translate(str(INVALID["title"])),
        "detail": detail,
        "errors": messages,
    }
