"""Define serializer fields for public IDs and account limits."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.mailboxes import addresses
from accounts.models import Role, SellerAccount, public_account_id
from api import identifiers
from api.strict_fields import Absent, Contradiction, length_error
from api.translation import translate

MAX_ACCOUNTS = 1000
# The account ID of all examples.
ACCOUNT_ID = "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d"


class PublicIdField(serializers.CharField):
    """Show the public ID of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="public_id", read_only=True, **kwargs)


class TextOrNull(serializers.CharField):
    """Return null for an absent text, which the database stores as an empty one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) or None


class TranslatedText(serializers.CharField):
    """Return a text of the product in the language of the request."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return translate(str(value))


class TranslatedTextOrNull(TextOrNull):
    """Return a text of the product in the language of the request, or null for an absent one."""

    def to_representation(self, value: Any) -> Any:
        text = super().to_representation(value)
        return text and translate(text)


class ChoiceOrNull(serializers.ChoiceField):
    """Return null for an absent choice, which the database stores as an empty text."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) or None


def check_mailbox(address: str) -> str:
    """Return a valid e-mail address. Raises Contradiction for one that gets no mail, such as a local one."""
    try:
        addresses.check(address)
    except addresses.InvalidMailbox as error:
        raise Contradiction(str(error)) from None
    return address


def check_account_limit(role: str | None, accounts: list[UUID] | None) -> None:
    """Raise Contradiction for an admin with an account limit, because admins manage the whole agency."""
    if role == Role.ADMIN and accounts is not None:
        raise Contradiction({"accounts": ["An account limit requires the role manager or viewer."]})


class AccountLimit(serializers.ListField):
    """Read and show a list of account IDs.

    The validated value is a list of UUIDs. Null stands for all accounts.
    """

    child = serializers.CharField(max_length=60)

    def __init__(self, **kwargs: Any) -> None:
        help_text = (
            "IDs of the accounts that access is limited to. Null gives access to all accounts. Admins "
            "cannot be limited."
        )
        super().__init__(
            allow_null=True, min_length=1, max_length=MAX_ACCOUNTS, **{"help_text": help_text} | kwargs
        )

    def to_internal_value(self, data: Any) -> list[UUID]:
        """Return the UUIDs without duplicates.

        Raises ValidationError, and Absent for accounts outside the tenant context.
        """
        if isinstance(data, list) and (error := length_error(self, data)):
            raise serializers.ValidationError(error)
        ids = [identifiers.private("acct", each) for each in super().to_internal_value(data)]
        # Row-level security hides accounts of other agencies: their IDs are as unknown as invented ones.
        existing = set(SellerAccount.objects.present().filter(pk__in=ids).values_list("pk", flat=True))
        errors = {
            str(index): ["No account has this ID."] for index, each in enumerate(ids) if each not in existing
        }
        if errors:
            raise Absent(errors)
        return list(dict.fromkeys(ids))

    def to_representation(self, data: list[UUID]) -> list[str]:
        return [public_account_id(each) for each in data]
