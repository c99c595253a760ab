"""Define the response bodies of report types."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.requests.fields import TranslatedText
from ingestion.reports import REPORT_TYPE_BY_NAME
from ingestion.reports.report_type import Column, ReportType

EXAMPLE = {
    "data": [
        {
            "report_types": ["feedback_removals"],
            "title": "Feedback removals, CSV",
            "about": (
                "Lists the orders whose feedback Amazon removed or struck through. That feedback no "
                "longer counts."
            ),
            "format": "csv",
            "uploaded": True,
            "columns": [
                {"name": "order_id", "meaning": "the order whose feedback was removed", "needed": True}
            ],
            "example": "order_id,removed_on\n302-1234567-1234567,2025-10-20\n",
            "source": "Underone's own layout",
        }
    ],
    "next_cursor": None,
}


class ColumnSerializer(serializers.Serializer[Column]):
    """A column, element or field that is read."""

    name = serializers.CharField(
        help_text="The name in the header. Case is ignored, and blanks, hyphens and underscores are equal."
    )
    meaning = TranslatedText(help_text="What the column contains and how it is used.")
    needed = serializers.BooleanField(
        help_text="Whether the column is required. A report without it is rejected."
    )


class SupportedReportTypeSerializer(serializers.Serializer[ReportType]):
    """A supported report type."""

    report_types = serializers.ListField(
        source="names",
        child=serializers.ChoiceField(choices=tuple(REPORT_TYPE_BY_NAME)),
        help_text="Values of `report_type` that select it.",
    )
    title = TranslatedText(help_text="A short name.")
    about = TranslatedText(help_text="What the report contains and how it is used.")
    format = serializers.SerializerMethodField(help_text="`csv`, `tsv or csv`, `json` or `xml`.")
    uploaded = serializers.BooleanField(
        source="is_uploaded",
        help_text=(
            "Whether it is uploaded as a file. False: send its rows to `POST "
            "/v1/accounts/{account_id}/defects` or `…/facts`."
        ),
    )
    columns = ColumnSerializer(many=True, help_text="The columns that are read. Others are ignored.")
    example = serializers.CharField(help_text="A complete, small example document.")
    source = TranslatedText(help_text=("Where the layout is documented."))  # type: ignore[assignment]  # name of a field

    def get_format(self, report_type: ReportType) -> str:
        return report_type.dialect.replace("_", " ")


@extend_schema_serializer(examples=[OpenApiExample("One report type", value=EXAMPLE, response_only=True)])
class ReportTypeList(serializers.Serializer[Any]):
    """All supported report types."""

    data = SupportedReportTypeSerializer(many=True, help_text=("The report types."))  # type: ignore[assignment]  # name of a field
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Always null, because the list has only one page."
    )
