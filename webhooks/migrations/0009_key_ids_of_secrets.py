"""Which key sealed a secret is a column of its own, so that keys can be exchanged and counted."""

import django.db.models
from django.db import migrations, models

import accounts.encryption.at_rest
from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0008_what_is_withdrawn")]

    operations = [
        migrations.AddField(
            model_name="endpointsecret",
            name="key_id",
            field=models.GeneratedField(
                db_persist=True,
                expression=accounts.encryption.at_rest.SealedWith("sealed"),
                output_field=models.IntegerField(null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="endpointsecret",
            index=models.Index(
                django.db.models.F("agency"), django.db.models.F("key_id"), django.db.models.F("id"), name="secrets_by_key"
            ),
        ),
        row_level_security.tell_key_ids("webhooks_endpointsecret"),
    ]
