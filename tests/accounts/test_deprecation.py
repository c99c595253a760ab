"""What will go is told in headers and in the document. Nothing of the API goes today."""

from datetime import date
from typing import ClassVar

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from accounts.agencies.serializers import AgencySerializer
from accounts.requests.views import Resource
from api.deprecation import Deprecation

ALL_DAY = Deprecation(since=date(2026, 11, 1), sunset=date(2027, 5, 1), link="https://docs.example.com/old")
SOON = Deprecation(since=date(2026, 12, 1))


class Old(Resource):
    authentication_classes = ()
    permission_classes = ()
    deprecated = ALL_DAY

    @extend_schema(operation_id="getOld", responses=AgencySerializer)
    def get(self, request: Request) -> Response:
        return Response({}, headers={"Link": '</v1/old?cursor=x>; rel="next"'})


class HalfOld(Resource):
    authentication_classes = ()
    permission_classes = ()
    deprecated: ClassVar = {"get": SOON}

    @extend_schema(operation_id="getHalfOld", responses=dict[str, str])
    def get(self, request: Request) -> Response:
        return Response({})

    @extend_schema(operation_id="deleteHalfOld", responses={204: None})
    def delete(self, request: Request) -> Response:
        return Response(status=204)


def test_what_goes_says_since_when_until_when_and_what_to_read() -> None:
    answer = Old.as_view()(APIRequestFactory().get("/v1/old"))

    assert answer["Deprecation"] == "@1793491200"
    assert answer["Sunset"] == "Sat, 01 May 2027 00:00:00 GMT"
    assert answer["Link"] == '</v1/old?cursor=x>; rel="next", <https://docs.example.com/old>; rel="deprecation"; type="text/html"'


def test_a_refusal_of_what_goes_says_it_too() -> None:
    answer = Old.as_view()(APIRequestFactory().post("/v1/old"))

    assert (answer.status_code, answer["Deprecation"]) == (405, "@1793491200")


@pytest.mark.parametrize(("method", "deprecation"), [("get", "@1796083200"), ("delete", None)])
@pytest.mark.django_db
def test_one_method_alone_may_go(method: str, deprecation: str | None) -> None:
    answer = HalfOld.as_view()(getattr(APIRequestFactory(), method)("/v1/half-old"))

    assert (answer.get("Deprecation"), answer.get("Sunset"), answer.get("Link")) == (deprecation, None, None)


def test_the_document_marks_what_goes() -> None:
    patterns = [path("v1/old", Old.as_view()), path("v1/half-old", HalfOld.as_view())]
    document = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)  # type: ignore[no-untyped-call]

    marked = {
        described["operationId"]: described.get("deprecated", False)
        for methods in document["paths"].values()
        for described in methods.values()
    }
    assert marked == {"getOld": True, "getHalfOld": True, "deleteHalfOld": False}
