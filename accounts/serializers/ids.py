"""Ids as the API tells them, and lists of them."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts import identifiers
from accounts.bodies import Absent, longer_than_taken
from accounts.models import SellerAccount, public_account_id

MOST_LIMITED = 1000


class PublicIdField(serializers.CharField):
    """An opaque id with its kind in front."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="public_id", read_only=True, **kwargs)


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
