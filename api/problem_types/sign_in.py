"""List the problems of sign-in, members and invitations. Pure."""

from api.problem_types.problem_type import ProblemType

SIGN_IN = (
    ProblemType(
        "choose-agency",
        400,
        "Agency required",
        "The signed-in person is a member of several agencies, and the request does not name one.",
        "Send the ID of one of the agencies in `choices` in the `Underone-Agency` header.",
    ),
    ProblemType(
        "sign-in-failed",
        401,
        "Sign-in failed",
        "The e-mail address, the password, the code or the passkey is wrong, or the code has expired.",
        "Check the e-mail address and the password, or request a new code or a password reset by e-mail.",
    ),
    ProblemType(
        "sign-in-again",
        403,
        "Recent sign-in required",
        "Second factors can be changed only shortly after signing in.",
        "Sign in again, and repeat the request with the new session.",
    ),
    ProblemType(
        "second-factor-required",
        403,
        "Second factor required",
        "The agency requires a second factor, and the signed-in member has none.",
        "Sign in, add an authenticator app or a passkey, and repeat the request.",
    ),
    ProblemType(
        "token-opens-nothing",
        403,
        "Invalid token",
        "The token of an invitation, a sign-up, a password reset or a mailbox is unknown, used, revoked or expired.",
        "Request a new invitation or e-mail, and use the newest token.",
    ),
    ProblemType(
        "sign-up-closed",
        403,
        "Sign-up disabled",
        "This installation does not allow new users to create agencies.",
        "Ask an admin of an agency for an invitation.",
    ),
    ProblemType(
        "second-factor-exists",
        409,
        "Second factor exists",
        "The user has an authenticator app already.",
        "Remove the authenticator app first.",
    ),
    ProblemType(
        "second-factor-missing",
        409,
        "Second factor missing",
        "The operation is only for users who have a second factor.",
        "Add an authenticator app or a passkey first.",
    ),
    ProblemType(
        "passkeys-unavailable",
        409,
        "Passkeys unavailable",
        "Passkeys belong to the address of a front end, and the installation has none.",
        "Use an authenticator app, or ask the operator to set `PEOPLE_URL`.",
    ),
    ProblemType(
        "last-admin",
        409,
        "Last administrator",
        "The agency would be left without an admin.",
        "First make another member an admin, or create an admin key.",
    ),
    ProblemType(
        "already-invited",
        409,
        "Already invited",
        "An invitation for this e-mail address exists.",
        "Resend or revoke that invitation.",
    ),
    ProblemType(
        "already-member",
        409,
        "Already a member",
        "The person with this e-mail address is a member of the agency.",
        "Update the member instead.",
    ),
    ProblemType(
        "too-many-invitations",
        409,
        "Too many invitations",
        "The agency has reached its maximum number of open and expired invitations.",
        "Revoke invitations that are not needed.",
    ),
    ProblemType(
        "mail-unavailable",
        503,
        "E-mail unavailable",
        "The installation sends no e-mails, which the operation needs.",
        "Ask the operator to set `EMAIL_URL`. Until then, sign in with a password or a passkey, and receive events through "
        "an endpoint of another kind.",
    ),
)
