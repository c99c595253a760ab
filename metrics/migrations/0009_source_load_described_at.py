"""Store the moment that the data of a load describe, from which their age counts."""

from django.db import migrations, models

# The table keeps versions, so a trigger forbids updates.
FILL = """
ALTER TABLE metrics_sourceload DISABLE TRIGGER forbid_update;
UPDATE metrics_sourceload AS load SET described_at = coalesce(
    (SELECT max(reported_at) FROM metrics_snapshot AS snapshot
     WHERE load.source = 'reported' AND snapshot.agency_id = load.agency_id
         AND snapshot.account_id = load.account_id AND snapshot.report_id = load.report_id),
    recorded_at);
ALTER TABLE metrics_sourceload ENABLE TRIGGER forbid_update;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0008_breach_basis")]

    operations = [
        migrations.AddField("sourceload", "described_at", models.DateTimeField(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("sourceload", "described_at", models.DateTimeField()),
    ]
