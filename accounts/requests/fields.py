"""Ids as the API tells them, and lists of them."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Role, SellerAccount, public_account_id
from api import identifiers
from api.strict_fields import Absent, Contradiction, longer_than_taken

MOST_LIMITED = 1000

ACCOUNT_ID = "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
"""The account of every example."""


class PublicIdField(serializers.CharField):
    """An opaque id with its kind in front."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="public_id", read_only=True, **kwargs)


def check_limit(role: str | None, accounts: list[UUID] | None) -> None:
    """Raises Contradiction for an admin of some accounts: what is the agency's is about all of them."""
    if role == Role.ADMIN and accounts is not None:
        raise Contradiction({"accounts": ["Who sees some accounts only is a manager or a viewer."]})


class AccountLimit(serializers.ListField):
    """Ids of accounts of the agency, kept as the ids inside them. Null is all."""

    child = serializers.CharField(max_length=60)

    def __init__(self, **kwargs: Any) -> None:
        help_text = "The only accounts that are seen, by id; null for all. Not for admins."
        super().__init__(allow_null=True, min_length=1, max_length=MOST_LIMITED, **{"help_text": help_text} | kwargs)

    def to_internal_value(self, data: Any) -> list[UUID]:
        if isinstance(data, list) and (too_long := longer_than_taken(self, data)):
            raise serializers.ValidationError(too_long)
        named = [identifiers.private("acct", each) for each in super().to_internal_value(data)]
        known = set(SellerAccount.objects.present().filter(pk__in=named).values_list("pk", flat=True))
        wrong = {str(at): ["No account with this id."] for at, each in enumerate(named) if each not in known}
        if wrong:
            raise Absent(wrong)
        return list(dict.fromkeys(named))

    def to_representation(self, data: list[UUID]) -> list[str]:
        return [public_account_id(each) for each in data]
