"""Serve `GET /healthz` (whether the process is alive) and `GET /readyz` (whether its dependencies answer)."""

import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from celery import current_app
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.version import VERSION
from config.documents import marker
from config.encryption import fingerprints
from config.encryption.keys import describe_wrong
from config.observability.probes import NO_ANSWER, Probe

OK = "ok"
# For all probes together.
READINESS_TIMEOUT = 3.0  # seconds
NO_STORE = {"Cache-Control": "no-store"}


class Liveness(serializers.Serializer[dict[str, str]]):
    """The liveness of the process, and its version."""

    status = serializers.CharField(help_text="Always `ok`.")
    version = serializers.CharField(help_text="The version of Underone.")


class Readiness(serializers.Serializer[dict[str, str]]):
    """The state of each dependency: `ok`, or a description of the problem."""

    database = serializers.CharField(help_text="Whether the database answers and all migrations are applied.")
    broker = serializers.CharField(help_text="Whether the message broker answers.")
    keys = serializers.CharField(help_text="Whether `SECRETS_KEYS` has the keys that encrypted the database.")
    documents = serializers.CharField(
        help_text="Whether the storage of reports can be used, and is that of this installation."
    )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class UnauthenticatedView(APIView):
    """Answer load balancers and scrapers, without authentication and without a transaction."""

    # ATOMIC_REQUESTS would connect to the database before the view, and fail with it.

    authentication_classes = ()
    permission_classes = ()


class HealthView(UnauthenticatedView):
    @extend_schema(
        operation_id="getHealth",
        summary="Check liveness",
        description="Returns 200 while the process can answer requests.",
        tags=["Health"],
        responses=OpenApiResponse(
            Liveness, examples=[OpenApiExample("Alive", value={"status": OK, "version": "0.1.0"})]
        ),
    )
    def get(self, request: Request) -> Response:
        return Response({"status": OK, "version": VERSION}, headers=NO_STORE)


def _example(name: str, **otherwise: str) -> OpenApiExample:
    return OpenApiExample(name, value=dict.fromkeys(PROBES, OK) | otherwise)


def _database() -> str:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return NO_ANSWER
    finally:
        # The connection belongs to the thread of this probe, which ends now.
        connection.close()
    return OK if _migrations() <= set(applied) else "migrations are missing"


def _broker() -> str:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return NO_ANSWER
    return OK


def _keys() -> str:
    try:
        wrong = fingerprints.differing(expected=fingerprints.recorded())
    except DatabaseError:
        return NO_ANSWER
    finally:
        # The connection belongs to the thread of this probe, which ends now.
        connection.close()
    return f"SECRETS_KEYS: {'; '.join(map(describe_wrong, wrong))}" if wrong else OK


def _documents() -> str:
    try:
        if isinstance(default_storage, FileSystemStorage):
            _write_nothing(Path(default_storage.location))
    except OSError:
        return "cannot be written"
    try:
        # Without the reason, which names folders and hosts: `manage.py check` and the logs have it.
        return "not the storage of this installation" if _is_foreign() else OK
    except OSError:
        return "cannot be read"
    finally:
        connection.close()


def _write_nothing(folder: Path) -> None:
    """Raise OSError if no file can be written to the folder. Leaves none."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")


def _is_foreign() -> bool:
    try:
        return bool(marker.problem(default_storage))
    except DatabaseError:
        # `_database` reports this.
        marker.read(default_storage)
        return False


@cache
def _migrations() -> set[tuple[str, str]]:
    """Return the migrations in the code."""
    return set(MigrationLoader(None).disk_migrations)


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "broker": _broker,
    "keys": _keys,
    "documents": _documents,
}
PROBES = {name: Probe(check) for name, check in CHECKS.items()}


class ReadinessView(UnauthenticatedView):
    @extend_schema(
        operation_id="getReadiness",
        summary="Check readiness",
        description=(
            "Checks the database and its migrations, the message broker, the encryption keys, and the storage "
            "of reports."
        ),
        tags=["Health"],
        responses={
            200: OpenApiResponse(Readiness, examples=[_example("Ready")]),
            503: OpenApiResponse(Readiness, examples=[_example("Not ready", broker=NO_ANSWER)]),
        },
    )
    def get(self, request: Request) -> Response:
        deadline = time.monotonic() + READINESS_TIMEOUT
        # All start before the first is waited for, so that they share one deadline.
        runs = {name: probe.start() for name, probe in PROBES.items()}
        results = {
            name: run.result(timeout=max(deadline - time.monotonic(), 0)) for name, run in runs.items()
        }
        return Response(results, status=200 if set(results.values()) == {OK} else 503, headers=NO_STORE)
