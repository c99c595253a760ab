"""What allauth asks of us: whose address a request came from, and to write to people."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.people import mail
from accounts.people.sessions import SignedTokens
from accounts.requests import rate_limits


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def get_client_ip(self, request: HttpRequest) -> str:
        return rate_limits.address_of(request.META)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody becomes a person here: see accounts/people/users.py."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Of no use: the letter leads to the front end by itself."""
        return ""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """What allauth would render from its templates, in our words. An unknown mailbox costs the same and gets nothing."""
        kind = template_prefix.rpartition("/")[2]
        places = {"code": context.get("code", ""), "key": "", "session": ""}
        if kind == "login_code":
            places["session"] = SignedTokens().create_session_token(self.request)
        if kind == "password_reset_key":
            places["key"] = f"{context['uid']}-{context['key']}"
        mail.post(kind=kind, to=email, places=places, keeps_seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT)
