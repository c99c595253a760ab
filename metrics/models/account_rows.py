"""Rows of an account."""

from django.db import models


class AccountRow(models.Model):
    """Store a row keyed by agency and account. The keys are plain columns: nothing is fetched to write a
    row."""

    agency_id = models.UUIDField()
    account_id = models.UUIDField()

    class Meta:
        abstract = True
