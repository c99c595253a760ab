"""Keep deleted accounts until a stated time, and mark the start of their erasure."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_functions")]

    operations = [
        migrations.AddField("selleraccount", "erased_from", models.DateTimeField(null=True)),
        migrations.AddField("selleraccount", "erasure_started_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "selleraccount",
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=False)
                | models.Q(erased_from=None, erasure_started_at=None),
                name="accounts_selleraccount_erasure_deleted",
            ),
        ),
    ]
