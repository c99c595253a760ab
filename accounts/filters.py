"""What lists of accounts and of who did what can be narrowed to."""

import django_filters as filters
from django.db.models import Q

from accounts.marketplaces import CODES
from accounts.models import AccountStatus, AuditEntry, SellerAccount, SellerAccountQuerySet


class AccountFilter(filters.FilterSet):
    status = filters.ChoiceFilter(choices=AccountStatus.choices, label="Accounts whose worst series has this status.")
    marketplace = filters.ChoiceFilter(
        choices=[(code, code) for code in CODES], method="selling_in", label="Accounts that sell in this store."
    )
    search = filters.CharFilter(method="named", label="Part of the name, the selling partner id or your external id.")

    class Meta:
        model = SellerAccount
        fields = ("status", "marketplace", "search")

    def selling_in(self, accounts: SellerAccountQuerySet, _name: str, code: str) -> SellerAccountQuerySet:
        return accounts.filter(marketplaces__contains=[code])

    def named(self, accounts: SellerAccountQuerySet, _name: str, text: str) -> SellerAccountQuerySet:
        by = Q(name__icontains=text) | Q(selling_partner_id__icontains=text) | Q(external_id__icontains=text)
        return accounts.filter(by)


class AuditFilter(filters.FilterSet):
    what = filters.CharFilter(label="Entries of this kind, like `endpoint.created`.")
    about = filters.CharFilter(label="Entries about the thing with this id.")

    class Meta:
        model = AuditEntry
        fields = ("what", "about")
