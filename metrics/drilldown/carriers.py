"""Build the SELECT of the carriers of orders and packages. Pure."""

from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN
from metrics.rules.catalogue.rows import Packages


def carriers_sql(metric: Metric, *, of: str) -> str:
    """Return the SELECT of order, reference, key and label of each carrier of the rows of a CTE.

    A package has its own carrier, and an order those of all its packages. Upper and lower case are equal.
    """
    own = " AND package = reference" if isinstance(metric.rows, Packages) else ""
    packages = AS_KNOWN.facts(
        "shipment", where=f"carrier <> ''{own}", of=of, columns="order_id, reference, carrier"
    )
    return f"""SELECT order_id, reference, upper(carrier) AS key, max(carrier) AS label
    FROM {packages} AS packages GROUP BY order_id, reference, upper(carrier)"""
