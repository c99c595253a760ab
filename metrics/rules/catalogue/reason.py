"""Build the SQL of the reasons why a row counts or does not count. Pure."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFields:
    """Name the SQL expression of each field of a reason. `metrics/rules/reasons.py` puts it in a sentence."""

    kind: str
    state: str
    counts: str
    reference: str = "''"
    rating: str = "NULL"
    occurred_on: str = "NULL"
    due_on: str = "NULL"
    funded_by: str = "''"
    superseded: str = "false"

    @property
    def sql(self) -> str:
        """Return the expression of a JSON object with the fields."""
        pairs = ", ".join(f"'{field.name}', {getattr(self, field.name)}" for field in fields(self))
        return f"jsonb_build_object({pairs})"

    def list_sql(self, order_by: str) -> str:
        """Return the aggregate of a JSON list of the reasons."""
        return f"jsonb_agg({self.sql} ORDER BY {order_by})"
