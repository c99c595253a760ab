"""What an account leaves behind when it is handed back goes: its documents, then every row, by the database's own keys."""

from uuid import UUID

from django.core.files.storage import default_storage

from accounts import scoping
from accounts.models import SellerAccount
from webhooks import endpoints


def erase(*, agency_id: UUID) -> int:
    """Erase the handed-back accounts of an agency; returns how many. Interrupted, the next run finishes."""
    with scoping.agency(agency_id):
        gone = list(SellerAccount.objects.exclude(deleted_at=None).values_list("pk", flat=True))
    for account_id in gone:
        _erase_documents(f"{agency_id.hex}/{account_id.hex}")
        with scoping.agency(agency_id):
            endpoints.forget(agency_id=agency_id, account_id=account_id)
            SellerAccount.objects.filter(pk=account_id).delete()
    return len(gone)


def _erase_documents(folder: str) -> None:
    """Every file of the account's, also one whose row was never written."""
    try:
        _, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        default_storage.delete(f"{folder}/{name}")
