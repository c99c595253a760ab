"""Amazon's own reports as they were taken in: one snapshot a report and marketplace, with the figures read from it."""

from collections.abc import Iterable
from uuid import UUID

from accounts.models import SellerAccount
from metrics.models import ReportedFigure, Snapshot


def figures(*, account: SellerAccount, snapshots: Iterable[Snapshot]) -> dict[UUID, list[ReportedFigure]]:
    """The figures of each of these snapshots of an account, in the order of its report."""
    ids = [snapshot.pk for snapshot in snapshots]
    found: dict[UUID, list[ReportedFigure]] = {snapshot_id: [] for snapshot_id in ids}
    told = ReportedFigure.objects.filter(agency_id=account.agency_id, account_id=account.pk, snapshot_id__in=ids)
    for figure in told.order_by("line", "metric", "channel"):
        found[figure.snapshot_id].append(figure)
    return found


def marketplaces(*, account: SellerAccount) -> list[str]:
    """The stores of which Amazon reported something."""
    told = Snapshot.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    return list(told.values_list("marketplace", flat=True).distinct())
