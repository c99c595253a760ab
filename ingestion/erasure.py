"""What an account leaves behind when it is handed back goes: its documents, then every row, by the database's own keys."""

from uuid import UUID

from django.core.files.storage import default_storage

from accounts import scoping
from accounts.models import SellerAccount
from ingestion.models import Report


def erase(*, agency_id: UUID) -> int:
    """Erase the handed-back accounts of an agency; returns how many. Interrupted, the next run finishes."""
    with scoping.agency(agency_id):
        gone = list(SellerAccount.objects.exclude(deleted_at=None).values_list("pk", flat=True))
    for account_id in gone:
        with scoping.agency(agency_id):
            for name in Report.objects.filter(account_id=account_id).values_list("document", flat=True):
                default_storage.delete(name)
            SellerAccount.objects.filter(pk=account_id).delete()
    return len(gone)
