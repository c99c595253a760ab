"""Adapt allauth to the product's client addresses and e-mails."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.models import Person
from accounts.people import mail, rate_limits
from accounts.people.sessions import SignedTokens
from accounts.requests.rate_limits import client_address


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Implement allauth's documented adapter interface."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request.META)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: users are created in accounts/people/users.py only."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count an attempt to sign in with a password. Raises ValidationError if a limit is reached."""
        # Instead of allauth's own limit, which counts by mailbox alone: anybody could lock its owner out.
        self.attempt = rate_limits.count_attempt(
            request=request, kind="password", mailbox=credentials.get("email", "")
        )
        if self.attempt is None:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Person | None:
        """Return the user whose password this is. Only failures stay counted."""
        person: Person | None = super().authenticate(request, **credentials)
        if person is not None and self.attempt is not None:
            self.attempt.cancel()
        return person

    def set_password(self, user: Person, password: str) -> None:
        """Set a new password, after which the user may sign in from this address at once."""
        super().set_password(user, password)
        rate_limits.forgive_address(request=self.request, mailbox=user.email)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return no URL: the e-mail's template builds its own link."""
        return ""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue our own e-mail instead of allauth's template."""
        # allauth calls this for unknown addresses too, with a template that does not exist here.
        # Queueing costs the same time then and sends nothing, so that the response time does not
        # reveal which addresses are known.
        kind = template_prefix.rpartition("/")[2]
        values = {"code": context.get("code", ""), "key": "", "session": ""}
        # The link in the e-mail contains the pending session, so that it also works in another browser.
        if kind == "login_code":
            values["session"] = SignedTokens().create_session_token(self.request)
        if kind == "password_reset_key":
            values["key"] = f"{context['uid']}-{context['key']}"
        # Not of the user in allauth's context, which a code has none of. Unknown addresses cost the same query.
        language = Person.objects.filter(email=email.lower()).values_list("language", flat=True).first()
        mail.queue(
            kind=kind,
            to=email,
            values=values,
            expires_in=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT,
            language=language,
        )
