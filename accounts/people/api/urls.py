"""Route the paths under /v1/ for sign-in, sessions, members and invitations."""

from django.urls import path

from accounts.people.api import auth_views, me_views, member_views, second_factor_views

urlpatterns = [
    path("me", me_views.Me.as_view()),
    path("auth/sign-in", auth_views.SignIn.as_view()),
    path("auth/code", auth_views.RequestSignInCode.as_view()),
    path("auth/code/confirm", auth_views.ConfirmSignInCode.as_view()),
    path("auth/password", auth_views.ChangePassword.as_view()),
    path("auth/password/forgotten", auth_views.RequestPasswordReset.as_view()),
    path("auth/password/reset", auth_views.ResetPassword.as_view()),
    path("auth/sign-up", auth_views.SignUp.as_view()),
    path("auth/session", auth_views.Session.as_view()),
    path("auth/sessions", auth_views.Sessions.as_view()),
    path("auth/second-factors", second_factor_views.SecondFactors.as_view()),
    path("auth/totp", second_factor_views.Totp.as_view()),
    path("auth/totp/activate", second_factor_views.ActivateTotp.as_view()),
    path("auth/recovery-codes", second_factor_views.RecoveryCodes.as_view()),
    path("auth/passkeys", second_factor_views.Passkeys.as_view()),
    path("auth/passkeys/options", second_factor_views.PasskeyOptions.as_view()),
    path("auth/passkeys/<str:passkey_id>", second_factor_views.PasskeyDetail.as_view()),
    path("auth/second-factor", second_factor_views.ConfirmCode.as_view()),
    path("auth/second-factor/passkey", second_factor_views.ConfirmPasskey.as_view()),
    path("auth/second-factor/passkey/options", second_factor_views.ConfirmPasskeyOptions.as_view()),
    path("auth/passkey", second_factor_views.SignInWithPasskey.as_view()),
    path("auth/passkey/options", second_factor_views.SignInOptions.as_view()),
    path("invitations/accept", auth_views.AcceptInvitation.as_view()),
    path("members", member_views.Members.as_view()),
    path("members/<str:member_id>", member_views.MemberDetail.as_view()),
    path("invitations", member_views.Invitations.as_view()),
    path("invitations/<str:invitation_id>", member_views.InvitationDetail.as_view()),
    path("invitations/<str:invitation_id>/send", member_views.ResendInvitation.as_view()),
]
