"""Adapt allauth to the product's client addresses and e-mails."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.models import Person
from accounts.people import mail
from accounts.people.sessions import SignedTokens
from accounts.requests import rate_limits


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Implement allauth's documented adapter interface."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return rate_limits.client_address(request.META)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: users are created in accounts/people/users.py only."""
        return False

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
