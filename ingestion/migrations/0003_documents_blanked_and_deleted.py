"""A report says what was blanked in its document, and when the document was deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0002_wall")]

    operations = [
        migrations.AddField(
            "report",
            "blanked_columns",
            models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField("report", "document_deleted_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "report",
            models.CheckConstraint(
                condition=models.Q(("document_deleted_at__isnull", True)) | ~models.Q(("status__in", ("queued", "processing"))),
                name="a_report_under_way_has_its_document",
            ),
        ),
        migrations.AddIndex(
            "report",
            models.Index(
                models.F("agency"),
                models.F("received_at"),
                condition=models.Q(("document_deleted_at", None)),
                name="documents_by_age",
            ),
        ),
    ]
