"""Define the base model of rows of an account."""

from django.db import models


class AccountRow(models.Model):
    """Store a row with the keys agency and account.

    They are plain columns, so writing a row does not fetch anything.
    """

    agency_id = models.UUIDField()
    account_id = models.UUIDField()

    class Meta:
        abstract = True
