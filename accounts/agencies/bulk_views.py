"""Create many accounts in one request."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import bulk_create
from accounts.agencies.account_serializers import AccountSerializer
from accounts.agencies.bulk_create import NewAccount
from accounts.agencies.bulk_serializers import (
    MAX_ROWS,
    BulkCreateAccounts,
    BulkCreateResults,
    BulkRows,
    row_problem,
)
from accounts.requests.views import Resource
from accounts.tenancy import context


class BulkAccounts(Resource):
    whole_agency = ("post",)

    @extend_schema(
        operation_id="bulkCreateAccounts",
        summary="Create several accounts",
        description=f"Creates 1 to {MAX_ROWS} accounts. Each row is processed independently: an invalid or "
        "existing row does not affect the others. The results are in the order of the rows.",
        tags=["Accounts"],
        request=BulkCreateAccounts,
        responses=BulkCreateResults,
    )
    def post(self, request: Request) -> Response:
        # Only the list: validated together with it, one invalid row would refuse the whole request.
        body = BulkRows(data=request.data)
        body.is_valid(raise_exception=True)
        rows = [AccountSerializer(data=row) for row in body.validated_data["accounts"]]
        valid = [row for row in rows if row.is_valid()]
        now = timezone.now()
        accounts = bulk_create.create_accounts(
            agency=context.agency_of(request),
            accounts=[NewAccount(**row.validated_data) for row in valid],
            actor=context.principal(request).actor,
            now=now,
        )
        created = dict(zip(map(id, valid), accounts, strict=True))
        data = [_result(index, row, created.get(id(row))) for index, row in enumerate(rows)]
        return Response(BulkCreateResults({"data": data}, context={"now": now}).data)


def _result(index: int, row: Any, created: tuple[Any, bool] | None) -> dict[str, Any]:
    if created is None:
        return {
            "index": index,
            "status": "invalid",
            "account": None,
            "problem": row_problem(row.errors, index=index),
        }
    account, is_new = created
    return {"index": index, "status": "created" if is_new else "exists", "account": account, "problem": None}
