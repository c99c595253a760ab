"""Check that somebody compared each of Amazon's rules with its source in the last 90 days. Needs no database."""

from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from metrics.rules.amazon_rules import RULES
from metrics.rules.dated_rules import MAX_AGE_DAYS, find_outdated


class Command(BaseCommand):
    help = f"Fail if a rule was last compared with its source more than {MAX_AGE_DAYS} days ago."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.now().astimezone(UTC).date()
        outdated = find_outdated(RULES, today=today)
        for rule in outdated:
            self.stderr.write(
                f"{rule.metric} {rule.marketplace} from {rule.effective_from}: last checked on {rule.checked_on}. "
                f"Compare it with {rule.source.title} ({rule.source.url or 'no page'}), then set `checked_on` in "
                "metrics/rules/amazon_rules.py and add a migration that writes the rules."
            )
        if outdated:
            raise CommandError(f"{len(outdated)} of {len(RULES)} rules are older than {MAX_AGE_DAYS} days.")
        self.stdout.write(f"All {len(RULES)} rules were checked in the last {MAX_AGE_DAYS} days.")
