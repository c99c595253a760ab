"""Build the headers of automatic mails."""


def automatic(*, unsubscribe_url: str = "") -> dict[str, str]:
    """Return the headers of a mail that no person wrote, with the page that ends such mails."""
    # RFC 3834: automatic responders must not reply.
    headers = {"Auto-Submitted": "auto-generated"}
    if unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{unsubscribe_url}>"
    # RFC 8058: the mailbox's provider posts to the page when its user says so. Only to https.
    if unsubscribe_url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
