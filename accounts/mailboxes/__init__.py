"""Treat mailboxes as recipients: which addresses get mail, how much of it, and what others may write into it.

Layout: `addresses` (which addresses are accepted, and which are one mailbox), `allowances` (limits of all mails),
`caller_text` (names that callers choose, without links), `headers`.
"""
