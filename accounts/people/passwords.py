"""Remember the digests of a user's last passwords, so that none of them is chosen again."""

from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import check_password, is_password_usable
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import FormerPassword, Person
from accounts.tenancy import context

REMEMBERED = 10


class NotUsedBefore:
    """Refuse a user's last passwords, the current one included (a validator of AUTH_PASSWORD_VALIDATORS)."""

    def validate(self, password: str, user: Person | None = None) -> None:
        """Raise ValidationError if this is one of the user's last REMEMBERED passwords."""
        # A user who is being created has no password yet.
        if user is None or user._state.adding:  # noqa: SLF001  Django's documented way to know
            return
        digests = {user.password, *_digests(user.pk)}
        if any(is_password_usable(each) and check_password(password, each) for each in digests):
            message = _("This is one of your last ten passwords. Choose another one.")
            raise ValidationError(message, code="password_used_before")

    def password_changed(self, password: str, user: Any = None) -> None:
        """Remember the new password. Django calls this after it has saved the user."""
        if user is not None:
            _remember(user)

    def get_help_text(self) -> str:
        return _("Your password must not be one of your last ten passwords.")


@transaction.atomic
def _digests(person_id: UUID) -> list[str]:
    """Return the digests of a user's last passwords, the newest first."""
    context.set_local(person=str(person_id))
    rows = FormerPassword.objects.filter(person_id=person_id).order_by("-id")
    digests = list(rows.values_list("digest", flat=True)[:REMEMBERED])
    context.set_local(person="")
    return digests


@transaction.atomic
def _remember(person: Person) -> None:
    # Row-level security shows a user's digests only to transactions that name the user.
    context.set_local(person=str(person.pk))
    FormerPassword.objects.create(person=person, digest=person.password, created_at=timezone.now())
    rows = FormerPassword.objects.filter(person=person)
    rows.exclude(pk__in=rows.order_by("-id").values("pk")[:REMEMBERED]).delete()
    context.set_local(person="")
