"""Find staged rows that cannot be told apart: they have one incomplete key and state different things.

A package without a name, or a return request without a reference, is identified by its order alone. If a
report has two different rows of it and no time orders them, the later row would silently replace the earlier.
"""

from django.db import connection

from metrics.pipeline.staging import STAGED
from metrics.pipeline.statements import RETURNS, SHIPMENTS, FactTable
from metrics.rules.facts import Fact, ReturnFact, ShipmentFact

TABLES: dict[type[Fact], FactTable] = {ShipmentFact: SHIPMENTS, ReturnFact: RETURNS}
"""The table of each type of fact, with its key. The key is incomplete if its last column is empty."""


def remove_indistinct(*, fact_type: type[Fact]) -> list[int]:
    """Remove staged rows that differ from an earlier row with the same incomplete key and the same time.

    Returns their lines in order. Rows of different times stay: the later time decides. Requires the
    transaction of `recording.stage`.
    """
    # Without the columns of items: rows of one request may name several.
    key, staging, content = (
        TABLES[fact_type].key,
        STAGED[fact_type],
        ", ".join(TABLES[fact_type].content),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM {staging.table} AS staged USING (
                SELECT line, ROW({content}) AS content,
                    first_value(ROW({content})) OVER (PARTITION BY {", ".join(key)}, stated_at ORDER BY line) AS earlier
                FROM {staging.table} WHERE {key[-1]} = ''
            ) AS compared
            WHERE staged.line = compared.line AND compared.content IS DISTINCT FROM compared.earlier
            RETURNING staged.line
            """
        )
        return sorted(line for (line,) in cursor.fetchall())
