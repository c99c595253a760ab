"""Route the paths under /v1/ for sign-in, sessions, members and invitations."""

from django.urls import path

from accounts.people.api import auth_views, me_views, member_views

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
    path("invitations/accept", auth_views.AcceptInvitation.as_view()),
    path("members", member_views.Members.as_view()),
    path("members/<str:member_id>", member_views.MemberDetail.as_view()),
    path("invitations", member_views.Invitations.as_view()),
    path("invitations/<str:invitation_id>", member_views.InvitationDetail.as_view()),
    path("invitations/<str:invitation_id>/send", member_views.ResendInvitation.as_view()),
]
