"""Describe the operations of agencies: roles, the agency header, idempotent and conditional writes."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from accounts.models import Role
from accounts.requests import conditional_writes, idempotency
from accounts.tenancy import permissions
from accounts.tenancy.principals import AGENCY_HEADER
from api import etags
from api.openapi import operations
from api.openapi.operations import Described

AGENCY = OpenApiParameter(
    AGENCY_HEADER,
    location=OpenApiParameter.HEADER,
    description="The ID of the agency that a signed-in person acts for (`agcy_…`). API keys and tokens "
    "belong to one agency "
    "and do not need it.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    location=OpenApiParameter.HEADER,
    description="A unique value of your choice. For "
    f"{idempotency.STORED_RESPONSE_HOURS} hours, the same request with the same key returns the first response "
    "and changes nothing; another request with the same key returns 422.",
    examples=[OpenApiExample("A UUID", value="5f0c8a4e-7d0b-4a52-9f5e-3f6c2d1b7a90")],
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": f"^({etags.IF_MATCH.pattern})$"},
    location=OpenApiParameter.HEADER,
    description="The `ETag` of the response that you read, or `*`. If the resource has changed since, the "
    "response is 412 and nothing is written.",
    examples=[OpenApiExample("Any version", value="*")],
)


class Operation(operations.Operation):
    """Add the required role, the agency header, and the headers and problems of writes."""

    usual: ClassVar[dict[int, Described]] = operations.USUAL | {
        403: (permissions.NotPermitted, "This operation requires the role admin. Your role is viewer."),
        409: (conditional_writes.InFlight, ""),
        412: (conditional_writes.PreconditionFailed, ""),
        422: (conditional_writes.KeyReused, ""),
    }
    on_all: ClassVar[tuple[int, ...]] = (*operations.Operation.on_all, 403)
    on_writes: ClassVar[tuple[int, ...]] = (*operations.Operation.on_writes, 409, 412, 422)

    def get_override_parameters(self) -> list[Any]:
        """Add the headers that all views of agencies read."""
        acts_for_agency = permissions.HasPermission in self.view.permission_classes
        agency = [AGENCY] if acts_for_agency else []
        repeats = [IDEMPOTENCY_KEY] if self.method != "GET" and acts_for_agency else []
        return [
            *super().get_override_parameters(),
            *agency,
            *repeats,
            *([IF_MATCH] if self._is_conditional() else []),
        ]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation, with the required role at the end of its description."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None or permissions.HasPermission not in self.view.permission_classes:
            return operation
        described = "\n\n".join(filter(None, [operation.get("description", ""), self._required_role()]))
        return (
            {"operationId": operation["operationId"], "description": described}
            | operation
            | {"description": described}
        )

    def _is_conditional(self) -> bool:
        """Return whether the path of the write also supports GET, so that the write can have preconditions."""
        return self.method not in {"GET", "POST"} and hasattr(self.view, "get") and self.is_authenticated()

    def _required_role(self) -> str:
        role = permissions.required_role(self.view, self.method)
        whole = permissions.concerns_all_accounts(self.view, self.method) and role != Role.ADMIN
        return f"Role: {role}{', with access to all accounts' if whole else ''}."
