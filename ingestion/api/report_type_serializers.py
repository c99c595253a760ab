"""The shapes of what kinds of documents there are."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from ingestion.reports import REPORT_TYPE_BY_NAME
from ingestion.reports.report_type import Column, ReportType

DOCUMENT_KINDS = {
    "data": [
        {
            "report_types": ["feedback_removals"],
            "title": "Feedback removals, CSV",
            "about": "Feedback that Amazon or the buyer removed.",
            "format": "csv",
            "uploaded": True,
            "columns": [{"name": "order_id", "meaning": "the order", "needed": True}],
            "example": "order_id,removed_on\n302-1234567-1234567,2025-10-20\n",
            "source": "Underone's own layout",
        }
    ],
    "next_cursor": None,
}


class ColumnSerializer(serializers.Serializer[Column]):
    name = serializers.CharField(help_text="As the header writes it; case, blanks, dashes and underscores do not matter.")
    meaning = serializers.CharField()
    needed = serializers.BooleanField(help_text="Without it the document is refused.")


class DocumentKindSerializer(serializers.Serializer[ReportType]):
    report_types = serializers.ListField(
        source="names",
        child=serializers.ChoiceField(choices=tuple(REPORT_TYPE_BY_NAME)),
        help_text="Names under which it may be announced.",
    )
    title = serializers.CharField()
    about = serializers.CharField()
    format = serializers.SerializerMethodField(help_text="tsv, csv, tsv or csv, json, xml.")
    uploaded = serializers.BooleanField(source="is_uploaded", help_text="False: its rows are posted to a path of their own.")
    columns = ColumnSerializer(many=True)
    example = serializers.CharField(help_text="A whole small document of this kind.")
    source = serializers.CharField(help_text="Who says so.")  # type: ignore[assignment]  # a field of the contract

    def get_format(self, kind: ReportType) -> str:
        return kind.dialect.replace("_", " ")


@extend_schema_serializer(examples=[OpenApiExample("One kind", value=DOCUMENT_KINDS, response_only=True)])
class DocumentKindsAnswer(serializers.Serializer[Any]):
    data = DocumentKindSerializer(many=True)  # type: ignore[assignment]  # a field of the contract
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: the list is whole.")
