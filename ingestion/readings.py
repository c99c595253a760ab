"""Settle what a report leaves open until its facts are recorded: which store its dates and bytes are of.

Every function requires the transaction of `loading.record`, which holds the account's lock.
"""

from uuid import UUID

from accounts.models import SellerAccount
from ingestion.models import Report
from ingestion.parsing.rejections import RejectedLine
from ingestion.reports import seller_feedback
from ingestion.reports.documents import DocumentReader
from metrics.models import FeedbackCoverage
from metrics.pipeline import feedback_dates
from metrics.pipeline.recording import OtherReadings
from metrics.rules.facts import DefectFact

AMBIGUOUS = (
    "`Date`: all dates can be read in two ways. They were read as {order}, as in {marketplace}, the account's "
    "home marketplace, unless the store or the day of an order decides. If the report is of another store, upload "
    "it again with its `marketplace`."
)
MOVED = (
    "`Date`: {number} dates were read in another order of day and month than {order}, because the store or the day "
    "of their orders decides."
)
BEFORE_ITS_ORDER = (
    "`Date`: {occurred_on} is before the day of its order, {ordered_on}, in every order of day and month; expected "
    "a day from the order on. If the report is of another store, upload it again with its `marketplace`."
)
ORDERS_AFTER_FEEDBACK = (
    "Feedback that was loaded earlier for {number} of these orders is dated before its order. It does not count. "
    "Upload the feedback report again with its `marketplace`."
)


def settle_dates(*, account: SellerAccount, report: Report, reader: DocumentReader) -> None:
    """Read the staged dates of feedback by the orders that are loaded, and reject rows that contradict theirs.

    Raises RejectedDocument if no row is left.
    """
    if DefectFact not in reader.fact_types:
        return
    staged = feedback_dates.settle_staged(account=account)
    order = seller_feedback.describe_order(report.marketplace)
    warnings = reader.parse_context.warnings
    if staged.is_ambiguous:
        warnings.append(AMBIGUOUS.format(order=order, marketplace=report.marketplace))
    if staged.moved:
        warnings.append(MOVED.format(number=staged.moved, order=order))
    for row in staged.contradictions:
        days = {"occurred_on": row.occurred_on, "ordered_on": row.ordered_on}
        reader.reject(RejectedLine(row.line, BEFORE_ITS_ORDER.format(**days)))
    if staged.contradictions:
        reader.require_used_row()


def find_other_readings(report: Report) -> OtherReadings:
    """Return the loaded reports of the same bytes. The one received last decides what they say."""
    others = Report.objects.filter(
        agency_id=report.agency_id,
        account_id=report.account_id,
        sha256=report.sha256,
        status=Report.Status.LOADED,
    ).exclude(pk=report.pk)
    # Rows posted twice are two statements, not two readings of one.
    pairs = others.exclude(source=Report.Source.JSON).values_list("received_at", "pk")
    own = (report.received_at, report.pk)
    return OtherReadings(
        earlier=tuple(pk for received_at, pk in pairs if (received_at, pk) < own),
        later=tuple(pk for received_at, pk in pairs if (received_at, pk) > own),
    )


def forget_coverage(*, account: SellerAccount, earlier: tuple[UUID, ...]) -> None:
    """Forget which days the earlier readings listed completely: they were days of another store."""
    FeedbackCoverage.objects.filter(
        agency_id=account.agency_id, account_id=account.pk, report_id__in=earlier
    ).delete()
