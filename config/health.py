"""Whether the process is alive, and whether what it depends on answers."""

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.celery import app

OK = "ok"
Liveness = OpenApiResponse(dict[str, str], examples=[OpenApiExample("Alive", value={"status": OK})])


class Readiness(serializers.Serializer[dict[str, str]]):
    """`ok`, or what is missing."""

    database = serializers.CharField()
    broker = serializers.CharField()


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Open(APIView):
    """Asked by load balancers: no key, no transaction."""

    authentication_classes = ()
    permission_classes = ()


class Alive(Open):
    @extend_schema(operation_id="isAlive", summary="Whether the process answers at all", tags=["Health"], responses=Liveness)
    def get(self, request: Request) -> Response:
        return Response({"status": OK})


class Ready(Open):
    @extend_schema(
        operation_id="isReady",
        summary="Whether database, schema and broker are there",
        tags=["Health"],
        responses={
            200: OpenApiResponse(Readiness, examples=[OpenApiExample("Ready", value={"database": OK, "broker": OK})]),
            503: OpenApiResponse(
                Readiness, examples=[OpenApiExample("Not ready", value={"database": OK, "broker": "no answer"})]
            ),
        },
    )
    def get(self, request: Request) -> Response:
        found = {"database": _database(), "broker": _broker()}
        return Response(found, status=200 if set(found.values()) == {OK} else 503)


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        return "migrations are missing" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else OK
    except DatabaseError:
        return "no answer"


def _broker() -> str:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return "no answer"
    return OK
