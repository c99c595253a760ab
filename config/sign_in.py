"""List what a password must be (AUTH_PASSWORD_VALIDATORS), and the limits of attempts to sign in and of e-mails to
mailboxes, besides allauth's own (ACCOUNT_RATE_LIMITS).

accounts/people/rate_limits.py counts attempts at a mailbox by address, by mailbox and address (pair), and by
mailbox. The day's limit of a pair is narrower than every limit of the mailbox, so that one address cannot use
it up. `ip`, `user` and `key` say what allauth counts by.
"""

PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.people.passwords.NotUsedBefore"},
]
LIMITS = {
    "request_login_code": "20/m/ip",
    "reset_password": "20/m/ip",
    # A new password is compared with ten digests, which takes seconds.
    "change_password": "5/10m/user",
    "reset_with_key": "5/10m/key",
    "password_by_address": "10/m/ip",
    "password_by_pair": "5/5m/key,30/d/key",
    "password_by_mailbox": "100/h/key,300/d/key",
    "second_factor_by_address": "10/m/ip",
    "second_factor_by_pair": "5/5m/key,30/d/key",
    "second_factor_by_mailbox": "60/h/key,100/d/key",
    # allauth counts codes of second factors by user, after the limits above.
    "login_failed": "200/d/key",
    "activate_second_factor": "20/h/key",
    "passkey_options": "30/m/ip",
    "code_mail_by_address": "20/m/ip",
    "code_mail_by_pair": "3/m/key,15/d/key",
    "code_mail_by_mailbox": "20/h/key,60/d/key",
    "reset_mail_by_address": "20/m/ip",
    "reset_mail_by_pair": "5/m/key,15/d/key",
    "reset_mail_by_mailbox": "20/h/key,60/d/key",
    "sign_up_by_address": "5/m/ip",
    "sign_up_by_pair": "3/h/key,9/d/key",
    "sign_up_by_mailbox": "10/h/key,30/d/key",
    "accept": "20/m/ip",
    # Keys are a mailbox and its agency, or the agency alone (…_anybody…).
    "invite": "5/h/key",
    "invite_anybody": "100/h/key",
    "mail_again": "1/m/key",
    "mail_anybody_again": "5/m/key",
}
