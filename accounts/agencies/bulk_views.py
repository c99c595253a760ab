"""Many accounts taken on over HTTP."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import bulk_create
from accounts.agencies.account_serializers import AccountSerializer
from accounts.agencies.bulk_create import Wanted
from accounts.agencies.bulk_serializers import MOST, BulkAnswer, BulkAsked, BulkRows, problem_of
from accounts.requests.views import Resource
from accounts.tenancy import context


class AccountsInBulk(Resource):
    whole_agency = ("post",)

    @extend_schema(
        operation_id="createAccounts",
        summary="Look after many seller accounts at once",
        description=f"From 1 to {MOST} rows, each for itself: one that is wrong, or there already, stops no other. The answer "
        "has the order of the rows.",
        tags=["Accounts"],
        request=BulkAsked,
        responses=BulkAnswer,
    )
    def post(self, request: Request) -> Response:
        asked = BulkRows(data=request.data)
        asked.is_valid(raise_exception=True)
        rows = [AccountSerializer(data=row) for row in asked.validated_data["accounts"]]
        good = [row for row in rows if row.is_valid()]
        now = timezone.now()
        taken = bulk_create.take_on_all(
            agency=context.agency_of(request),
            wanted=[Wanted(**row.validated_data) for row in good],
            who=context.bearer(request).who,
            now=now,
        )
        found = dict(zip(map(id, good), taken, strict=True))
        data = [_told(index, row, found.get(id(row))) for index, row in enumerate(rows)]
        return Response(BulkAnswer({"data": data}, context={"now": now}).data)


def _told(index: int, row: Any, taken: tuple[Any, bool] | None) -> dict[str, Any]:
    if taken is None:
        return {"index": index, "status": "invalid", "account": None, "problem": problem_of(row.errors, index=index)}
    account, is_new = taken
    return {"index": index, "status": "created" if is_new else "exists", "account": account, "problem": None}
