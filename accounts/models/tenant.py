"""Define the base model of tenant rows, whose keys, joins and look-ups begin with the agency.

In the database, the primary key is (agency_id, id) and every foreign key begins with `agency_id`, so that the
tables can be distributed by it. Django uses only `id`. accounts/tenancy/row_level_security.py has the SQL
with which migrations create the keys.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.db import models
from django.db.models.lookups import Exact
from django.db.models.sql.where import AND, WhereNode

from accounts.models.agencies import Agency

AGENCY = "agency_id"
_ST = TypeVar("_ST")
_GT = TypeVar("_GT")
IN_THE_DATABASE = {"db_constraint": False, "db_index": False}
"""Disable Django's own constraints and indexes.

Those that begin with the agency are in migrations and in `Meta`.
"""


class TenantForeignKey(models.ForeignKey[_ST, _GT]):
    """Refer to a row of the same agency. Every join and look-up names the agency as well as the ID.

    When the row is deleted, the database deletes the referring row or sets the reference to null
    (row_level_security.foreign_key).
    """

    # mypy derives the field's type from the signature of Django's own ForeignKey.
    if not TYPE_CHECKING:

        def __init__(self, *args, **options):
            """Create the field without a constraint and an index, which `Meta` and the migrations define."""
            super().__init__(*args, **options | IN_THE_DATABASE)

    def get_extra_restriction(self, alias: str | None, related_alias: str | None) -> WhereNode | None:
        """Return the condition that both sides of a join have the same agency, or None if Django has only one
        side."""

        # Django passes no alias for a table that it has trimmed from a sub-query.
        if alias is None or related_alias is None:
            return None
        models_of: tuple[Any, Any] = (self.model, self.related_model)
        own_field, related_field = (model._meta.get_field(AGENCY) for model in models_of)  # noqa: SLF001  the documented way to a field
        same: Any = Exact(own_field.get_col(related_alias), related_field.get_col(alias))
        return WhereNode([same], AND)

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        """Return the condition that a look-up of the row adds to the ID."""
        return {AGENCY: getattr(instance, AGENCY)}


class TenantModel(models.Model):
    """Store a row that belongs to an agency."""

    agency = models.ForeignKey(
        Agency, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True

    # Django has no public way to add a condition to the UPDATE of `save()`.
    # tests/architecture/test_agency_named.py fails if this one changes.
    def _do_update(
        self,
        base_qs: "models.QuerySet[Any]",
        using: str | None,
        pk_val: Any,
        values: Collection[Any],
        update_fields: Any,
        forced_update: bool,  # noqa: FBT001  Django's signature
    ) -> bool:
        """Name the agency in the UPDATE of a saved row."""
        queryset = base_qs.filter(agency_id=cast("Any", self).agency_id)
        return bool(super()._do_update(queryset, using, pk_val, values, update_fields, forced_update))
