"""Refuse to start a process that does not fit its installation."""

from django.utils.module_loading import import_string

from config import pooling
from config.documents import marker


def verify() -> None:
    """Raise SystemExit with the reason if this process must not run. What does not answer is no reason.

    1. the database connection, or a pooler in front of it   2. the encryption keys   3. the storage of documents
    """
    # Transactions first, because the others use them.
    pooling.verify_at_start()
    # Its models can be imported only after `django.setup`.
    import_string("config.encryption.keys.verify_at_start")()
    marker.verify_at_start()
