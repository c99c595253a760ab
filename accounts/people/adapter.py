"""Adapt allauth to the product's client addresses, limits, e-mails and encryption."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import Person
from accounts.people import mail, rate_limits, second_factors, sessions
from accounts.people.sessions import SignedTokens
from accounts.requests.rate_limits import client_address

# Seconds. A notice about a change matters long after a code has expired.
EXPIRE_AFTER = {
    "login_code": settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT,
    "password_reset_key": settings.PASSWORD_RESET_TIMEOUT,
}
NOTICES_EXPIRE_AFTER = 86400


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

    def pre_login(self, request: HttpRequest, user: Person, **options: Any) -> HttpResponse | None:
        """Remember whose sign-in this is, for the limit on guesses of the second factor."""
        response: HttpResponse | None = super().pre_login(request, user, **options)
        request.session[sessions.MAILBOX] = user.email
        return response

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Person,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell a user about a change."""
        # Allauth's sender reads the client address, and after the commit there is no request.
        self.send_mail(template_prefix, email or user.email, context or {})

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
            expires_in=EXPIRE_AFTER.get(kind, NOTICES_EXPIRE_AFTER),
            language=language,
        )


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Implement the adapter interface of allauth.mfa."""

    def encrypt(self, text: str) -> str:
        return second_factors.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return second_factors.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the site that passkeys belong to: the host of the front end."""
        return {"id": urlsplit(settings.PEOPLE_URL).hostname or "", "name": settings.MFA_TOTP_ISSUER}
