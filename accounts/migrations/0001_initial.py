"""Create the tables of agencies, accounts, API keys, users, idempotency records and the audit log.

Every key of a tenant's row begins with the agency (accounts/tenancy/row_level_security.py).
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import accounts.encryption.at_rest
import accounts.models.tenant
import api.identifiers
from accounts.tenancy import row_level_security

KEYED_BY_AGENCY = (
    *(
        "accounts_selleraccount",
        "accounts_apikey",
        "accounts_auditentry",
        "accounts_member",
        "accounts_invitation",
    ),
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("is_active", models.BooleanField(db_default=True, default=True)),
                (
                    "is_staff",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Whether the user operates the installation and may open /staff/.",
                    ),
                ),
                ("sign_outs", models.PositiveIntegerField(db_default=0, default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "people",
            },
        ),
        migrations.CreateModel(
            name="Agency",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "counts_pending_and_cancelled",
                    models.BooleanField(
                        default=False,
                        help_text="Whether Pending and Cancelled orders are in the denominator of the order defect rate. Amazon does not document this.",
                    ),
                ),
                (
                    "keeps_personal_columns",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Whether documents are stored as they were received. If false, names, addresses and comments are redacted.",
                    ),
                ),
                (
                    "document_retention_days",
                    models.PositiveSmallIntegerField(
                        db_default=30,
                        default=30,
                        help_text="For how many days documents are stored after they were received. Facts from deleted documents are kept.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                    ),
                ),
                (
                    "allowed_origins",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=255),
                        blank=True,
                        db_default=[],
                        default=list,
                        help_text="Origins of the web pages (https://app.agency.example) that may read "
                        "responses with a key of the agency.",
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.CharField(blank=True, db_default="", max_length=60)),
                ("erased_from", models.DateTimeField(null=True)),
                ("erased_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex("allowed_origins", name="agency_by_origin")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("closed_at", None),
                                ("closed_by", ""),
                                ("erased_at", None),
                                ("erased_from", None),
                            ),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("erased_from__isnull", False),
                                models.Q(("closed_by", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="accounts_agency_closed_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("document_retention_days__range", (1, 3650))),
                        name="accounts_agency_retention_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("key", "Key"), ("token", "Token")],
                        db_default="key",
                        default="key",
                        max_length=5,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("prefix", models.CharField(max_length=32)),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "role",
                    models.CharField(
                        choices=[("admin", "Admin"), ("manager", "Manager"), ("viewer", "Viewer")],
                        db_default="admin",
                        default="admin",
                        max_length=7,
                    ),
                ),
                ("read_only", models.BooleanField(db_default=False, default=False)),
                (
                    "accounts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
                (
                    "parent",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tokens",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "replaces",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApiKeyPrefix",
            fields=[
                ("prefix", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("agency_id", models.UUIDField()),
                ("key_id", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint("agency_id", "key_id", name="accounts_apikeyprefix_unique_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor_id", models.CharField(max_length=60)),
                ("actor_name", models.CharField(blank=True, max_length=254)),
                ("what", models.CharField(max_length=60)),
                ("about", models.CharField(max_length=60)),
                (
                    "before",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                ),
                (
                    "after",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                ),
                ("detail", models.JSONField()),
                ("request_id", models.CharField(max_length=128, null=True)),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "role",
                    models.CharField(
                        choices=[("admin", "Admin"), ("manager", "Manager"), ("viewer", "Viewer")],
                        max_length=7,
                    ),
                ),
                ("read_only", models.BooleanField(db_default=False, default=False)),
                (
                    "accounts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("digest", models.BinaryField(max_length=32)),
                ("invited_by_id", models.CharField(max_length=60)),
                ("invited_by_name", models.CharField(blank=True, max_length=254)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="InvitationDigest",
            fields=[
                ("digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("agency_id", models.UUIDField()),
                ("invitation_id", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        "agency_id", "invitation_id", name="accounts_invitationdigest_unique_invitation"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("bearer_id", models.UUIDField()),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                ("encrypted", models.BinaryField(default=b"")),
                (
                    "key_id",
                    models.GeneratedField(
                        db_persist=True,
                        expression=accounts.encryption.at_rest.EncryptionKeyId("encrypted"),
                        output_field=models.IntegerField(null=True),
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey("agency_id", "bearer_id", "key", serialize=False),
                ),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "role",
                    models.CharField(
                        choices=[("admin", "Admin"), ("manager", "Manager"), ("viewer", "Viewer")],
                        max_length=7,
                    ),
                ),
                ("read_only", models.BooleanField(db_default=False, default=False)),
                (
                    "accounts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SellerAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("selling_partner_id", models.CharField(max_length=64)),
                ("home_marketplace", models.CharField(max_length=2)),
                ("external_id", models.CharField(max_length=200, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("breached", "Breached"),
                            ("at_risk", "At Risk"),
                            ("healthy", "Healthy"),
                            ("no_data", "No Data"),
                        ],
                        default="no_data",
                        max_length=10,
                    ),
                ),
                ("amazon_statuses", models.JSONField(db_default={}, default=dict)),
                (
                    "marketplaces",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2), size=None
                    ),
                ),
                ("distance", models.FloatField(null=True)),
                (
                    "ordered_distance",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            "distance", models.Value(float("inf"))
                        ),
                        output_field=models.FloatField(),
                    ),
                ),
                ("worst_series", models.JSONField(null=True)),
                ("open_breaches", models.PositiveIntegerField(db_default=0, default=0)),
                ("open_warnings", models.PositiveIntegerField(db_default=0, default=0)),
                ("stale_from", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(null=True)),
                ("last_recorded_at", models.DateTimeField(null=True)),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="accounts_person_email_lowercase",
            ),
        ),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(
                "agency", "parent", condition=models.Q(("parent__isnull", False)), name="apikey_by_parent"
            ),
        ),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(
                "agency",
                "replaces",
                condition=models.Q(("replaces__isnull", False)),
                name="apikey_by_replaces",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint("agency", "prefix", name="accounts_apikey_unique_prefix"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accounts", None), models.Q(("role", "admin"), _negated=True), _connector="OR"
                ),
                name="accounts_apikey_limited_not_admin",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "key"), ("parent", None)),
                    models.Q(
                        ("expires_at__isnull", False),
                        ("kind", "token"),
                        ("parent__isnull", False),
                        ("read_only", True),
                        ("role", "viewer"),
                    ),
                    _connector="OR",
                ),
                name="accounts_apikey_token_complete",
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index("agency", "about", "id", name="auditentry_by_about"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint("agency", "email", name="accounts_invitation_unique_email"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint("agency", "digest", name="accounts_invitation_unique_digest"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accounts", None), models.Q(("role", "admin"), _negated=True), _connector="OR"
                ),
                name="accounts_invitation_limited_not_admin",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="accounts_invitation_email_lowercase",
            ),
        ),
        migrations.AddIndex(
            model_name="idempotencyrecord",
            index=models.Index("agency", "created_at", name="idempotencyrecord_by_age"),
        ),
        migrations.AddConstraint(
            model_name="idempotencyrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", None), ("status__range", (200, 399)), _connector="OR"),
                name="accounts_idempotencyrecord_status_success",
            ),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index("person", name="member_by_person"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint("agency", "person", name="accounts_member_unique_person"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accounts", None), models.Q(("role", "admin"), _negated=True), _connector="OR"
                ),
                name="accounts_member_limited_not_admin",
            ),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index("agency", "status", "id", name="selleraccount_by_status"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index("agency", "name", "id", name="selleraccount_by_name"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index("agency", "created_at", "id", name="selleraccount_by_age"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index("agency", "ordered_distance", "id", name="selleraccount_by_distance"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index("agency", "open_breaches", "id", name="selleraccount_by_open_breaches"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index("agency", "stale_from", "id", name="selleraccount_by_staleness"),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=django.contrib.postgres.indexes.GinIndex(
                "marketplaces", name="selleraccount_by_marketplace"
            ),
        ),
        migrations.AddIndex(
            model_name="selleraccount",
            index=models.Index(
                "agency",
                "id",
                condition=models.Q(("deleted_at__isnull", False)),
                name="selleraccount_deleted",
            ),
        ),
        migrations.AddConstraint(
            model_name="selleraccount",
            constraint=models.UniqueConstraint(
                "agency",
                "selling_partner_id",
                condition=models.Q(("deleted_at", None)),
                name="accounts_selleraccount_unique_partner",
            ),
        ),
        migrations.AddConstraint(
            model_name="selleraccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("distance", None), ("distance__lte", 1), _connector="OR"),
                name="accounts_selleraccount_distance_range",
            ),
        ),
        *(row_level_security.primary_key(table) for table in KEYED_BY_AGENCY),
        *(row_level_security.agency_key(table) for table in ("accounts_idempotencyrecord", *KEYED_BY_AGENCY)),
        row_level_security.foreign_key("accounts_apikey", "parent_id", "accounts_apikey"),
        row_level_security.foreign_key(
            "accounts_apikey", "replaces_id", "accounts_apikey", on_delete="SET NULL (replaces_id)"
        ),
        row_level_security.foreign_key("accounts_apikeyprefix", "key_id", "accounts_apikey"),
        row_level_security.foreign_key("accounts_invitationdigest", "invitation_id", "accounts_invitation"),
        row_level_security.person_key("accounts_member"),
    ]
