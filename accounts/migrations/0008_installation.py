"""Create the tables of the fingerprints of encryption keys and of completed backups."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_languages")]

    operations = [
        migrations.CreateModel(
            "EncryptionKey",
            fields=[
                ("key_id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(max_length=64)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            "Backup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("snapshot_at", models.DateTimeField()),
                ("completed_at", models.DateTimeField()),
                ("size", models.BigIntegerField()),
                ("documents", models.BigIntegerField()),
                ("missing_documents", models.BigIntegerField()),
            ],
        ),
    ]
