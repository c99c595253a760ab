"""Keep received documents apart until a worker has redacted them, and count the stored bytes of an agency quickly."""

from django.db import migrations, models

# Only the columns of the index are read to add up the sizes.
STORED_SIZES = """
CREATE INDEX report_stored_sizes ON ingestion_report (agency_id) INCLUDE (size) WHERE document_deleted_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0007_leases")]

    operations = [
        migrations.AddField(
            "report", "original", models.CharField(blank=True, db_default="", max_length=200)
        ),
        migrations.AlterField("report", "document", models.CharField(blank=True, max_length=200)),
        migrations.RunSQL(STORED_SIZES, "DROP INDEX report_stored_sizes;"),
    ]
