"""What lists of accounts and of who did what can be narrowed to."""

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field

from accounts.marketplaces import CODES
from accounts.models import AccountStatus, AuditEntry, SellerAccount, SellerAccountQuerySet
from api.filters import Filters, InstantFilter

TRUTHS = (("true", "true"), ("false", "false"))
SILENT = {
    "type": "boolean",
    "description": "Accounts of which a source was last brought up to date too long ago, or the others.",
}
IN_BREACH = {"type": "boolean", "description": "Accounts with an open breach (a warning is none), or the others."}


class AccountFilter(Filters):
    status = filters.ChoiceFilter(choices=AccountStatus.choices, label="Accounts whose worst series has this status.")
    marketplace = filters.ChoiceFilter(
        choices=[(code, code) for code in CODES], method="selling_in", label="Accounts that sell in this store."
    )
    search = filters.CharFilter(method="named", label="Part of the name, the selling partner id or your external id.")
    stale = filters.ChoiceFilter(choices=TRUTHS, method="silent")
    has_open_breach = filters.ChoiceFilter(choices=TRUTHS, method="in_breach")

    class Meta:
        model = SellerAccount
        fields = ("status", "marketplace", "search", "stale", "has_open_breach")

    def selling_in(self, accounts: SellerAccountQuerySet, _name: str, code: str) -> SellerAccountQuerySet:
        return accounts.filter(marketplaces__contains=[code])

    def named(self, accounts: SellerAccountQuerySet, _name: str, text: str) -> SellerAccountQuerySet:
        by = Q(name__icontains=text) | Q(selling_partner_id__icontains=text) | Q(external_id__icontains=text)
        return accounts.filter(by)

    @extend_schema_field(SILENT)
    def silent(self, accounts: SellerAccountQuerySet, _name: str, truth: str) -> SellerAccountQuerySet:
        now = timezone.now()
        return accounts.stale(at=now) if truth == "true" else accounts.fresh(at=now)

    @extend_schema_field(IN_BREACH)
    def in_breach(self, accounts: SellerAccountQuerySet, _name: str, truth: str) -> SellerAccountQuerySet:
        return accounts.filter(open_breaches__gt=0) if truth == "true" else accounts.filter(open_breaches=0)


class AuditFilter(Filters):
    who = filters.CharFilter(method="by", label="Entries of whoever has this id (key_…, mem_…), or `underone`.")
    what = filters.CharFilter(method="of_kind", label="Entries of this kind: `endpoint.created`, or all of `endpoint.*`.")
    about = filters.CharFilter(label="Entries about the thing with this id.")
    since = InstantFilter(field_name="at", lookup_expr="gte", label="Entries of this moment and later.")
    until = InstantFilter(field_name="at", lookup_expr="lt", label="Entries from before this moment.")

    class Meta:
        model = AuditEntry
        fields = ("who", "what", "about", "since", "until")

    def by(self, entries: QuerySet[AuditEntry], _name: str, who: str) -> QuerySet[AuditEntry]:
        actor_id, _, name = who.partition(" ")
        return entries.filter(actor_id=actor_id, **{"actor_name": name} if name else {})

    def of_kind(self, entries: QuerySet[AuditEntry], _name: str, what: str) -> QuerySet[AuditEntry]:
        return entries.filter(what__startswith=what[:-1]) if what.endswith(".*") else entries.filter(what=what)
