"""Serve the restoration of deleted accounts and the correction of accounts with reports.

They are here, next to reports and the erasure of accounts, because metrics must be computed afterwards.
"""

from functools import partial
from typing import ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import lifecycle as agencies
from accounts.agencies.account_serializers import AccountSerializer
from accounts.agencies.account_serializers import CorrectAccount as CorrectAccountSerializer
from accounts.agencies.account_views import AccountExists, serialize
from accounts.models import AuditEntry, Role, SellerAccount, public_account_id
from accounts.requests.views import Resource
from accounts.tenancy import context
from api import identifiers
from api.strict_fields import Contradiction
from metrics import tasks


class AccountErased(APIException):
    """Raise when an account is being erased or has been erased."""

    status_code = 410
    default_code = "account-erased"
    default_detail = "The data of this account has been erased, so it cannot be restored."


class RestoreAccount(Resource):
    required_roles: ClassVar = {"post": Role.ADMIN}
    problems: ClassVar = {"post": (AccountExists, AccountErased)}

    @extend_schema(
        operation_id="restoreAccount",
        summary="Restore a deleted account",
        description="Makes a deleted account available again until `restorable_until`, with its data, settings "
        "and history as they were. Its metrics are brought up to the current day within minutes. Events "
        "that were not sent while it was deleted can be recovered with `POST "
        "/v1/webhook-endpoints/{endpoint_id}/recover`. Restoring an account that is not deleted changes "
        "nothing.",
        tags=["Accounts"],
        request=None,
        responses=AccountSerializer,
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = _stored_account(request, account_id)
        actor = context.principal(request).actor
        try:
            restored = agencies.restore_account(account=account, actor=actor, now=timezone.now())
        except (agencies.ErasureStarted, SellerAccount.DoesNotExist):
            raise AccountErased from None
        except agencies.AccountExists:
            raise AccountExists from None
        _catch_up_on_commit(restored)
        return Response(serialize(restored).data)


class CorrectAccount(Resource):
    required_roles: ClassVar = {"post": Role.ADMIN}
    problems: ClassVar = {"post": (Contradiction, AccountExists)}

    @extend_schema(
        operation_id="correctAccount",
        summary="Correct an account",
        description="Corrects the selling partner ID or the home marketplace of an account that has reports. "
        "Its reports, facts, figures and breaches stay as they are, and the audit log keeps the earlier "
        "values. A report keeps the marketplace with which it was read; upload it again with the right "
        "`marketplace` if its dates were misread. From now on, the new home marketplace is the default of uploads "
        "and of `marketplace` in reads. Use another account for another seller.",
        tags=["Accounts"],
        request=CorrectAccountSerializer,
        responses=AccountSerializer,
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        body = CorrectAccountSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        actor = context.principal(request).actor
        try:
            corrected = agencies.correct_account(
                account=account, fields=body.validated_data, actor=actor, now=timezone.now()
            )
        except agencies.AccountExists:
            raise AccountExists from None
        except SellerAccount.DoesNotExist:
            # Deleted since it was read.
            raise NotFound("No account has this ID.") from None
        _catch_up_on_commit(corrected)
        return Response(serialize(corrected).data)


def _catch_up_on_commit(account: SellerAccount) -> None:
    catch_up = partial(tasks.catch_up.delay, agency_id=str(account.agency_id), account_id=str(account.pk))
    # Robust: without a broker, the daily run or the next report brings the account up to date.
    transaction.on_commit(catch_up, robust=True)


def _stored_account(request: Request, public_id: str) -> SellerAccount:
    """Return the account, deleted or not. Raises AccountErased for an account that the agency had, and
    NotFound."""
    try:
        return context.get_or_404(
            context.stored_accounts(request), kind="acct", public_id=public_id, name="account"
        )
    except NotFound:
        about = public_account_id(identifiers.private("acct", public_id))
        erased = AuditEntry.objects.filter(
            agency_id=context.principal(request).agency_id, about=about, what="account.erased"
        )
        if erased.exists():
            raise AccountErased from None
        raise
