"""Send one message: by HTTP, e-mail or chat. Knows no models and no tenant.

Layout: `http_client` (POST with limits), `url_policy` (which URLs are allowed), `signing` (Standard
Webhooks), `email`, `chat`, `message_text` (the text that e-mail and chat share).
"""
