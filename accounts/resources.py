"""What every view of ours derives from: one thing of the API (`Resource`), or a list of them (`Collection`).

The two have no docstring: it would be told in the OpenAPI document as the description of every view that has none.
"""

from typing import TypeVar

from django.db.models import Model
from rest_framework.generics import GenericAPIView
from rest_framework.views import APIView

Row = TypeVar("Row", bound=Model)


class Resource(APIView):
    pass


class Collection(Resource, GenericAPIView[Row]):
    pass
