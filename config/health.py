"""Whether the process is alive, and whether what it depends on answers."""

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from kombu.exceptions import OperationalError

from config.celery import app


@transaction.non_atomic_requests
def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@transaction.non_atomic_requests
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, schema and broker are there; 503 with what is missing."""
    checks = {"database": _database(), "broker": _broker()}
    return JsonResponse(checks, status=200 if all(each == "ok" for each in checks.values()) else 503)


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        return "migrations are missing" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"
    except DatabaseError:
        return "no answer"


def _broker() -> str:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
        return "ok"
    except (OperationalError, OSError):
        return "no answer"
