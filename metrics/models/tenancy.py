"""Rows of an account."""

from django.db import models


class OfAccount(models.Model):
    """Keyed by agency and account; the database holds the key, so nothing is fetched to write a row."""

    agency_id = models.UUIDField()
    account_id = models.UUIDField()

    class Meta:
        abstract = True
