"""Confirm mailboxes before events are sent to them, once in an agency, and collect events for one e-mail."""

from django.db import migrations, models

REASONS = [
    ("by_hand", "By Hand"),
    ("gone", "Gone"),
    ("failing", "Failing"),
    ("unsubscribed", "Unsubscribed"),
]
# What exists has been sent to, and its alarms must not end with an upgrade. Every later e-mail has a link to
# unsubscribe. Of several endpoints with one mailbox, the oldest takes the name, and the others stay.
CONFIRM_EXISTING = """
ALTER TABLE webhooks_endpoint NO FORCE ROW LEVEL SECURITY;
UPDATE webhooks_endpoint AS endpoint
SET confirmed_at = endpoint.created_at, mailbox = CASE WHEN named.turn = 1 THEN named.mailbox END
FROM (
    SELECT agency_id, id, mailbox, row_number() OVER (PARTITION BY agency_id, mailbox ORDER BY id) AS turn
    FROM (
        SELECT agency_id, id, lower(regexp_replace(substr(url, 8), '[+][^@]*@', '@')) AS mailbox
        FROM webhooks_endpoint WHERE kind = 'email'
    ) AS each_mailbox
) AS named
WHERE endpoint.agency_id = named.agency_id AND endpoint.id = named.id;
ALTER TABLE webhooks_endpoint FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0005_worker_slots")]

    operations = [
        migrations.AlterField(
            "endpoint", "disabled_reason", models.CharField(max_length=12, choices=REASONS, blank=True)
        ),
        migrations.AddField("endpoint", "mailbox", models.CharField(max_length=254, null=True)),
        migrations.AddField("endpoint", "confirmed_at", models.DateTimeField(null=True)),
        migrations.AddField("endpoint", "confirmation_digest", models.BinaryField(max_length=32, null=True)),
        migrations.AddField("endpoint", "confirmation_sent_at", models.DateTimeField(null=True)),
        migrations.AddField("endpoint", "confirmation_expires_at", models.DateTimeField(null=True)),
        migrations.AddField("endpoint", "digest_at", models.DateTimeField(null=True)),
        migrations.RunSQL(CONFIRM_EXISTING, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "endpoint",
            models.UniqueConstraint("agency", "mailbox", name="webhooks_endpoint_unique_mailbox"),
        ),
        migrations.AddConstraint(
            "endpoint",
            models.CheckConstraint(
                condition=models.Q(kind="email")
                | models.Q(mailbox=None, confirmed_at=None, confirmation_digest=None, digest_at=None),
                name="webhooks_endpoint_mailbox_of_email",
            ),
        ),
        migrations.AddConstraint(
            "endpoint",
            models.CheckConstraint(
                condition=models.Q(confirmation_digest=None)
                | models.Q(confirmation_sent_at__isnull=False, confirmation_expires_at__isnull=False),
                name="webhooks_endpoint_confirmation_complete",
            ),
        ),
    ]
