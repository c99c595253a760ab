"""Whether the process is alive, and whether what it depends on answers."""

import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from celery import current_app
from django.conf import settings
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

from config.observability.probes import NO_ANSWER, Look

OK = "ok"
PATIENCE = 3.0  # seconds in which everything must have answered
FRESH = {"Cache-Control": "no-store"}
Liveness = OpenApiResponse(dict[str, str], examples=[OpenApiExample("Alive", value={"status": OK})])


class Readiness(serializers.Serializer[dict[str, str]]):
    """`ok`, or what is missing."""

    database = serializers.CharField()
    broker = serializers.CharField()
    documents = serializers.CharField()


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Open(APIView):
    """Asked by load balancers: no key, no transaction."""

    authentication_classes = ()
    permission_classes = ()


class Alive(Open):
    @extend_schema(operation_id="isAlive", summary="Whether the process answers at all", tags=["Health"], responses=Liveness)
    def get(self, request: Request) -> Response:
        return Response({"status": OK}, headers=FRESH)


def _example(name: str, **otherwise: str) -> OpenApiExample:
    return OpenApiExample(name, value=dict.fromkeys(LOOKS, OK) | otherwise)


def _database() -> str:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return NO_ANSWER
    finally:
        connection.close()  # this thread's own
    return OK if _migrations() <= set(applied) else "migrations are missing"


def _broker() -> str:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return NO_ANSWER
    return OK


def _documents() -> str:
    folder = Path(settings.MEDIA_ROOT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError:
        return "cannot be written"
    return OK


@cache
def _migrations() -> set[tuple[str, str]]:
    """Those that the code has."""
    return set(MigrationLoader(None).disk_migrations)


ASKED: dict[str, Callable[[], str]] = {"database": _database, "broker": _broker, "documents": _documents}
LOOKS = {name: Look(ask) for name, ask in ASKED.items()}
"""What readiness looks at, in the order in which it tells."""


class Ready(Open):
    @extend_schema(
        operation_id="isReady",
        summary="Whether database, schema, broker and the documents' folder are there",
        tags=["Health"],
        responses={
            200: OpenApiResponse(Readiness, examples=[_example("Ready")]),
            503: OpenApiResponse(Readiness, examples=[_example("Not ready", broker=NO_ANSWER)]),
        },
    )
    def get(self, request: Request) -> Response:
        until = time.monotonic() + PATIENCE
        asking = {name: look.begin() for name, look in LOOKS.items()}
        found = {name: one.answer(within=max(until - time.monotonic(), 0)) for name, one in asking.items()}
        return Response(found, status=200 if set(found.values()) == {OK} else 503, headers=FRESH)
