"""The shapes of who asks and what is theirs."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts import identifiers, origins
from accounts.bearers import Bearer
from accounts.bodies import Absent, Body, Contradiction, longer_than_taken
from accounts.marketplaces import CODES
from accounts.models import AccountStatus, Agency, AuditEntry, Role, SellerAccount, public_account_id

ACCOUNT = {
    "id": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "name": "Nordwind Outdoor",
    "selling_partner_id": "A2NORDWIND7XYZ",
    "home_marketplace": "DE",
    "external_id": "crm-4711",
    "marketplaces": ["DE", "FR"],
    "status": "healthy",
    "amazon_statuses": {"DE": {"status": "NORMAL", "reported_at": "2026-11-22T08:12:00Z"}},
    "distance": 0.3464052287581699,
    "worst_series": {
        "metric": "order_defect_rate",
        "name": "Order Defect Rate",
        "marketplace": "DE",
        "channel": "mfn",
        "numerator": 4,
        "denominator": 612,
        "rate": 0.006535947712418301,
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "status": "healthy",
        "enforced": True,
    },
    "open_breaches": 0,
    "open_warnings": 0,
    "stale": False,
    "created_at": "2026-11-22T09:00:00Z",
}
NEW_ACCOUNT = {key: ACCOUNT[key] for key in ("name", "selling_partner_id", "home_marketplace", "external_id")}
ME = {
    "agency": {
        "id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
        "name": "Acme Marketplace Partners",
        "counts_pending_and_cancelled": False,
        "keeps_personal_columns": False,
        "document_retention_days": 30,
        "allowed_origins": ["https://app.acme.example"],
    },
    "bearer": {
        "kind": "key",
        "id": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
        "name": "first key",
        "role": "admin",
        "read_only": False,
        "accounts": None,
        "expires_at": None,
    },
    "may": ["read", "write", "administer"],
    "key": {
        "id": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
        "name": "first key",
        "prefix": "uo_live_8fJ2mQ0xYt3Z",
        "created_at": "2026-11-22T08:59:00Z",
        "last_used_at": "2026-11-22T09:00:00Z",
    },
    "memberships": None,
}
MOST_LIMITED = 1000
MEMBERSHIP = {
    "id": "mem_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "agency": {"id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d", "name": "Acme Marketplace Partners"},
    "role": "viewer",
    "read_only": True,
    "accounts": [ACCOUNT["id"]],
}
POWERS = ("read", "write", "administer")
MOST_ORIGINS = 50
NO_ORIGIN = "An origin is https://host or https://host:port, or http on localhost; no path, no wildcard."
CLOSED = {
    "id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "closed_at": "2026-11-22T09:00:00Z",
    "erased_from": "2026-11-29T09:00:00Z",
}
AUDIT_ENTRY = {
    "id": "note_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "at": "2026-11-22T09:00:00Z",
    "who": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d first key",
    "what": "account.changed",
    "about": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "before": {"name": "Nordwind"},
    "after": {"name": "Nordwind Outdoor"},
    "detail": {},
    "request_id": "req_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
}


class PublicIdField(serializers.CharField):
    """An opaque id with its kind in front."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="public_id", read_only=True, **kwargs)


class AmazonStatus(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="NORMAL, AT_RISK, DEACTIVATED, or as Amazon says.")
    reported_at = serializers.DateTimeField()


class TargetOfSeries(serializers.Serializer[Any]):
    comparator = serializers.CharField(help_text="`lt`, `lte`, `gt`, `gte` or `eq`.")
    value = serializers.FloatField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the contract


class WorstSeries(serializers.Serializer[Any]):
    """The series of an account that stands worst of those that have a target: enforced ones before others of its status."""

    metric = serializers.CharField()
    name = serializers.SerializerMethodField(help_text="What people call the metric.")
    marketplace = serializers.CharField()
    channel = serializers.CharField()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    target = TargetOfSeries()
    status = serializers.ChoiceField(choices=AccountStatus.choices)
    enforced = serializers.BooleanField(help_text="Amazon closes shops over it.")

    def get_name(self, series: dict[str, Any]) -> str:
        return gettext(series["name"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("A new account", value=NEW_ACCOUNT, request_only=True),
        OpenApiExample("An account", value=ACCOUNT, response_only=True),
    ]
)
class AccountSerializer(Body, serializers.ModelSerializer[SellerAccount]):
    id = PublicIdField()
    selling_partner_id = serializers.RegexField(
        r"^[^\u0000-\u0020\u007f-\u00a0\s]+$", max_length=64, error_messages={"invalid": "A selling partner id has no spaces."}
    )
    home_marketplace = serializers.ChoiceField(choices=CODES, help_text="Where it began to sell (ISO country code).")
    status = serializers.ChoiceField(choices=AccountStatus.choices, read_only=True, help_text="The status of its worst series.")
    marketplaces = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Its home and every store it was seen to sell in."
    )
    amazon_statuses = serializers.DictField(
        child=AmazonStatus(),
        read_only=True,
        help_text="By marketplace: the status that Amazon's newest report tells.",
    )
    distance = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="How far its worst series is from the limit: 1 is spotless, 0 at it, below 0 beyond it. Null without data.",
    )
    worst_series = WorstSeries(read_only=True, allow_null=True)
    open_breaches = serializers.IntegerField(read_only=True)
    open_warnings = serializers.IntegerField(read_only=True)
    stale = serializers.SerializerMethodField(help_text="One of its sources was last brought up to date too long ago.")

    class Meta:
        model = SellerAccount
        fields = (
            "id",
            "name",
            "selling_partner_id",
            "home_marketplace",
            "external_id",
            "marketplaces",
            "status",
            "amazon_statuses",
            "distance",
            "worst_series",
            "open_breaches",
            "open_warnings",
            "stale",
            "created_at",
        )
        read_only_fields = ("created_at",)
        extra_kwargs = {"external_id": {"required": False, "help_text": "Your own name for it."}}  # noqa: RUF012

    def get_stale(self, account: SellerAccount) -> bool:
        return account.is_stale(at=self.context["now"])


@extend_schema_serializer(examples=[OpenApiExample("A new name", value={"name": "Nordwind Outdoor GmbH"}, request_only=True)])
class AccountChange(Body, serializers.ModelSerializer[SellerAccount]):
    """What may change of an account: the selling partner and its home never do."""

    class Meta:
        model = SellerAccount
        fields = ("name", "external_id")


@extend_schema_field({"type": "string", "maxLength": 255, "pattern": origins.PLAIN})
class OriginField(serializers.CharField):
    """The document tells of origins as browsers write them."""


@extend_schema_serializer(
    examples=[
        OpenApiExample("The agency", value=ME["agency"], response_only=True),
        OpenApiExample("Another choice", value={"counts_pending_and_cancelled": True}, request_only=True),
        OpenApiExample("Documents for a week", value={"document_retention_days": 7}, request_only=True),
        OpenApiExample("A front end", value={"allowed_origins": ["https://app.acme.example"]}, request_only=True),
    ]
)
class AgencySerializer(Body, serializers.ModelSerializer[Agency]):
    id = PublicIdField()
    allowed_origins = serializers.ListField(
        child=OriginField(max_length=255),
        max_length=MOST_ORIGINS,
        required=False,
        help_text="Web pages of these origins (`https://app.acme.example`) may read answers to the agency's keys and tokens. "
        "With https, or http on localhost; no path, no wildcard.",
    )

    class Meta:
        model = Agency
        fields = (
            *("id", "name", "counts_pending_and_cancelled", "keeps_personal_columns", "document_retention_days"),
            "allowed_origins",
        )

    def validate_allowed_origins(self, texts: list[str]) -> list[str]:
        found = [origins.parse(text) for text in texts]
        if wrong := {place: [NO_ORIGIN] for place, origin in enumerate(found) if origin is None}:
            raise serializers.ValidationError(wrong)  # type: ignore[arg-type]  # places in the list are numbers
        return list(dict.fromkeys(origin for origin in found if origin))


@extend_schema_serializer(
    examples=[OpenApiExample("In so many words", value={"confirm": "close Acme Marketplace Partners"}, request_only=True)]
)
class Closing(Body):
    confirm = serializers.CharField(
        trim_whitespace=False,
        help_text="`close` and the agency's present name, letter by letter: nobody closes an agency by accident.",
    )

    def validate_confirm(self, words: str) -> str:
        if words != f"close {self.context['agency'].name}":
            raise Contradiction("This is not `close` and the agency's name. Nothing was closed.")
        return words


@extend_schema_serializer(examples=[OpenApiExample("A closed agency", value=CLOSED, response_only=True, status_codes=["202"])])
class ClosedAgency(serializers.ModelSerializer[Agency]):
    id = PublicIdField()
    closed_at = serializers.DateTimeField()
    erased_from = serializers.DateTimeField(help_text="When all of it is erased.")

    class Meta:
        model = Agency
        fields = ("id", "closed_at", "erased_from")


class KeyOfRequest(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class BearerSerializer(serializers.Serializer[Bearer]):
    """Who asks: a program with a key, a browser with a token, or a person."""

    kind = serializers.ChoiceField(choices=("key", "token", "member"))
    id = PublicIdField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the contract
    accounts = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(allow_null=True)

    def get_accounts(self, bearer: Bearer) -> list[str] | None:
        """The accounts that it sees (acct_…); null: all of the agency's."""
        return None if bearer.accounts is None else [public_account_id(each) for each in bearer.accounts]


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


class AgencyName(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()


class MembershipSerializer(serializers.Serializer[Any]):
    id = PublicIdField()
    agency = AgencyName()
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the contract
    accounts = AccountLimit()


@extend_schema_serializer(examples=[OpenApiExample("The bearer", value=ME, response_only=True)])
class MeSerializer(serializers.Serializer[Any]):
    agency = AgencySerializer()
    bearer = BearerSerializer()
    may = serializers.ListField(
        child=serializers.ChoiceField(choices=POWERS),
        help_text="`read`; `write`: what managers change; `administer`: keys, settings and the audit log.",
    )
    key = KeyOfRequest(allow_null=True, help_text="Null where no key asks.")
    memberships = MembershipSerializer(many=True, allow_null=True, help_text="Of a person who signed in: every one of them.")


@extend_schema_serializer(examples=[OpenApiExample("An entry", value=AUDIT_ENTRY, response_only=True)])
class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    id = PublicIdField()
    who = serializers.CharField(help_text="The id of the key that asked for it with its name of then, or `underone`.")
    what = serializers.CharField(help_text="Like `endpoint.created`.")
    about = serializers.CharField(help_text="The id of the thing.")
    before = serializers.DictField(allow_null=True, help_text="The fields that changed, as they were; null where nothing was.")
    after = serializers.DictField(allow_null=True, help_text="The same fields as they are since; null where nothing is.")
    detail = serializers.DictField(help_text="Ids and choices, never a secret.")
    request_id = serializers.CharField(allow_null=True, help_text="Of the request that asked for it, as `X-Request-Id` told.")

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "who", "what", "about", "before", "after", "detail", "request_id")
