"""Filter the lists of accounts and audit log entries."""

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field

from accounts.marketplaces import CODES
from accounts.models import AccountStatus, AuditEntry, SellerAccount, SellerAccountQuerySet
from api.filters import Filters, InstantFilter

BOOLEANS = (("true", "true"), ("false", "false"))
STALE = {
    "type": "boolean",
    "description": (
        "`true` returns only accounts with a source that was not updated within its maximum age. "
        "`false` returns only the others."
    ),
}
HAS_OPEN_BREACH = {
    "type": "boolean",
    "description": (
        "`true` returns only accounts with an open breach; warnings do not count. `false` returns only "
        "the others."
    ),
}
DELETED = {
    "type": "boolean",
    "default": False,
    "description": (
        "`true` returns only deleted accounts that can still be restored; their `restorable_until` says "
        "until when. `false` returns only the others."
    ),
}


class AccountFilter(Filters):
    """Narrow a list of accounts."""

    status = filters.ChoiceFilter(
        choices=AccountStatus.choices, label="Return only accounts whose worst series has this status."
    )
    marketplace = filters.ChoiceFilter(
        choices=[(code, code) for code in CODES],
        method="filter_marketplace",
        label="Return only accounts that sell in this marketplace.",
    )
    search = filters.CharFilter(
        method="filter_search",
        label="Return only accounts whose name, selling partner ID or external ID contains this text.",
    )
    stale = filters.ChoiceFilter(choices=BOOLEANS, method="filter_stale")
    has_open_breach = filters.ChoiceFilter(choices=BOOLEANS, method="filter_open_breach")
    deleted = filters.ChoiceFilter(choices=BOOLEANS, method="filter_deleted")

    class Meta:
        model = SellerAccount
        fields = ("status", "marketplace", "search", "stale", "has_open_breach", "deleted")

    def filter_marketplace(
        self, accounts: SellerAccountQuerySet, _name: str, code: str
    ) -> SellerAccountQuerySet:
        return accounts.filter(marketplaces__contains=[code])

    def filter_search(self, accounts: SellerAccountQuerySet, _name: str, text: str) -> SellerAccountQuerySet:
        matches = (
            Q(name__icontains=text) | Q(selling_partner_id__icontains=text) | Q(external_id__icontains=text)
        )
        return accounts.filter(matches)

    @extend_schema_field(STALE)
    def filter_stale(self, accounts: SellerAccountQuerySet, _name: str, value: str) -> SellerAccountQuerySet:
        now = timezone.now()
        return accounts.stale(at=now) if value == "true" else accounts.fresh(at=now)

    @extend_schema_field(HAS_OPEN_BREACH)
    def filter_open_breach(
        self, accounts: SellerAccountQuerySet, _name: str, value: str
    ) -> SellerAccountQuerySet:
        return accounts.filter(open_breaches__gt=0) if value == "true" else accounts.filter(open_breaches=0)

    @extend_schema_field(DELETED)
    def filter_deleted(
        self, accounts: SellerAccountQuerySet, _name: str, value: str
    ) -> SellerAccountQuerySet:
        return accounts.restorable(at=timezone.now()) if value == "true" else accounts.present()


class AuditFilter(Filters):
    """Narrow the audit log."""

    who = filters.CharFilter(
        method="filter_who",
        label="Return only entries by the key or member with this ID (`key_…`, `mem_…`), or by `underone`.",
    )
    what = filters.CharFilter(
        method="filter_what",
        label="Return only entries of this type, such as `endpoint.created`, or of this group, such as "
        "`endpoint.*`.",
    )
    about = filters.CharFilter(label="Return only entries about the object with this ID.")
    since = InstantFilter(
        field_name="at", lookup_expr="gte", label="Return only entries at or after this moment."
    )
    until = InstantFilter(field_name="at", lookup_expr="lt", label="Return only entries before this moment.")

    class Meta:
        model = AuditEntry
        fields = ("who", "what", "about", "since", "until")

    def filter_who(self, entries: QuerySet[AuditEntry], _name: str, who: str) -> QuerySet[AuditEntry]:
        actor_id, _, name = who.partition(" ")
        return entries.filter(actor_id=actor_id, **{"actor_name": name} if name else {})

    def filter_what(self, entries: QuerySet[AuditEntry], _name: str, what: str) -> QuerySet[AuditEntry]:
        return (
            entries.filter(what__startswith=what[:-1]) if what.endswith(".*") else entries.filter(what=what)
        )
