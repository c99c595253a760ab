"""Define the CSV columns of accounts and of the audit log."""

import json
from typing import Any

from api.csv import CsvRenderer


class AccountsCsv(CsvRenderer):
    """Render one line for each account."""

    columns = (
        *(
            "id",
            "name",
            "selling_partner_id",
            "home_marketplace",
            "external_id",
            "marketplaces",
            "status",
            "distance",
        ),
        *("worst_series", "open_breaches", "open_warnings", "stale", "created_at", "restorable_until"),
    )

    def row(self, item: dict[str, Any]) -> dict[str, Any]:
        worst = item["worst_series"] or {}
        return item | {
            "worst_series": [worst[name] for name in ("metric", "marketplace", "channel") if name in worst]
        }


class AuditCsv(CsvRenderer):
    """Render one line for each entry. `before`, `after` and `detail` are JSON in their cells."""

    columns = ("id", "at", "who", "what", "about", "before", "after", "detail", "request_id")

    def row(self, item: dict[str, Any]) -> dict[str, Any]:
        texts = {
            name: json.dumps(item[name], ensure_ascii=False)
            for name in ("before", "after", "detail")
            if item[name]
        }
        return item | {"before": None, "after": None, "detail": None} | texts
