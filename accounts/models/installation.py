"""Define the tables of the installation itself. Their rows belong to no agency."""

from typing import ClassVar, Self

from django.db import models


class EncryptionKey(models.Model):
    """Store the fingerprint of a key of SECRETS_KEYS, by its number. The key itself is never stored."""

    key_id = models.PositiveIntegerField(primary_key=True)
    fingerprint = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class Backup(models.Model):
    """Store when a complete backup was written, for `/metrics`. The backup itself is elsewhere."""

    id = models.BigAutoField(primary_key=True)
    # The moment whose data the backup contains.
    snapshot_at = models.DateTimeField()
    completed_at = models.DateTimeField()
    size = models.BigIntegerField()
    documents = models.BigIntegerField()
    missing_documents = models.BigIntegerField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class DocumentStorage(models.Model):
    """Store the ID of this installation, which the marker in its storage of documents repeats. At most one row."""

    id = models.SmallIntegerField(primary_key=True)
    installation = models.UUIDField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(id=1), name="accounts_documentstorage_one_row"),
        )
