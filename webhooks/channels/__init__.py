"""Send one message by HTTP, e-mail or chat, independent of models and tenants.

Layout: `http_client` (POST with limits), `url_policy` (allowed URLs), `signing` (Standard Webhooks), `email`,
`chat`, `message_text` (the text that e-mail and chat share).
"""
