"""Serve the pages that e-mails to a mailbox link to: confirm the mailbox, and unsubscribe it.

GET shows a page with a button and changes nothing, because programs that check e-mails open every link. POST acts: the
button sends it, and so does a mail provider whose user unsubscribes (RFC 8058).
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django.utils import timezone, translation
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.mailboxes import caller_text
from api.translation import translate
from config.web.pages import HEADERS, PublicPage
from webhooks.delivery import unsubscription
from webhooks.endpoints import confirmation
from webhooks.endpoints.confirmation import MailboxOfAgency

# The address of the page has the token: no cache stores it, and no other page learns it.
PAGE_HEADERS = HEADERS | {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
}
INVALID_TITLE = "This link is no longer valid"
INVALID_TEXT = (
    "It was used, replaced or has expired, or the agency has deleted it. Ask the agency to send a new e-mail."
)


class MailboxPage(PublicPage):
    """Ask before acting on a token, and say what was done."""

    # A browser that sends the form gets a page as well.
    content_negotiation_class = DefaultContentNegotiation
    question: ClassVar[tuple[str, str, str]]
    answer_texts: ClassVar[tuple[str, str]]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        title, text, button = self.question
        return self._respond(lambda: self.find(self._token(request)), title, text, button=button)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        title, text = self.answer_texts
        return self._respond(lambda: self.act(self._token(request)), title, text)

    def perform_content_negotiation(self, request: Request, *_: Any, **__: Any) -> Any:
        # Whatever a mail provider accepts, its request is carried out.
        return super().perform_content_negotiation(request, force=True)

    def find(self, token: str) -> MailboxOfAgency:
        """Return what the token is about. Raises confirmation.UnknownToken."""
        raise NotImplementedError

    def act(self, token: str) -> MailboxOfAgency:
        """Do what the page is for. Raises confirmation.UnknownToken."""
        raise NotImplementedError

    def page(self, data: Any) -> dict[str, Any]:
        """Return the variables of the template."""
        return {**data, "language": translation.get_language()}

    def _token(self, request: Request) -> str:
        # Of the address, never of the body: a mail provider sends a body of its own.
        return request.query_params.get("token", "")

    def _respond(
        self, step: Callable[[], MailboxOfAgency], title: str, text: str, *, button: str = ""
    ) -> Response:
        try:
            about = step()
        except confirmation.UnknownToken:
            data = {"title": translate(INVALID_TITLE), "text": translate(INVALID_TEXT)}
            return Response(data, status=404, headers=PAGE_HEADERS)
        agency = caller_text.name_for_strangers(about.agency_name)
        data = {
            "title": translate(title),
            "text": translate(text.format(agency, about.mailbox)),
            "button": translate(button),
        }
        return Response(data, headers=PAGE_HEADERS)


class ConfirmMailbox(MailboxPage):
    question = (
        "Confirm this mailbox",
        "The agency “{}” wants to send notifications about Amazon seller accounts to {}.",
        "Receive notifications",
    )
    answer_texts = ("The mailbox is confirmed", "The agency “{}” can now send notifications to {}.")

    def find(self, token: str) -> MailboxOfAgency:
        return confirmation.find_by_token(token=token, now=timezone.now())

    def act(self, token: str) -> MailboxOfAgency:
        return confirmation.confirm(token=token, now=timezone.now())


class Unsubscribe(MailboxPage):
    question = (
        "Unsubscribe from notifications",
        "The agency “{}” will send no more notifications to {}.",
        "Unsubscribe",
    )
    answer_texts = ("You are unsubscribed", "The agency “{}” sends no more notifications to {}.")

    def find(self, token: str) -> MailboxOfAgency:
        return unsubscription.find(token=token)

    def act(self, token: str) -> MailboxOfAgency:
        return unsubscription.unsubscribe(token=token, now=timezone.now())
