"""People who sign in. They belong to no agency: who they are is asked before anybody knows for which agency they act."""

import django.db.models.functions.text
from django.db import migrations, models

import api.identifiers
from accounts.tenancy import row_level_security

UNUSED = (
    *("auth_group", "auth_permission", "auth_group_permissions", "django_content_type"),
    *("accounts_person_groups", "accounts_person_user_permissions"),
)
"""What Django keeps of rights beside ours: nobody but migrations writes there, so that nobody gives itself any."""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_changes_and_closing"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Their first migrations point at the person, and know no more of this app than that it has a first one.
    run_before = [("account", "0001_initial"), ("admin", "0001_initial")]

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
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("is_active", models.BooleanField(db_default=True, default=True)),
                (
                    "is_staff",
                    models.BooleanField(
                        db_default=False, default=False, help_text="Looks after the installation: may enter /staff/."
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
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="a_mailbox_is_in_small_letters",
            ),
        ),
        *(row_level_security.only_the_owner_writes(table) for table in UNUSED),
    ]
