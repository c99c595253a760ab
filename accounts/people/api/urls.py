"""Paths under /v1/ by which people come in."""

from django.urls import path

from accounts.people.api import auth_views

urlpatterns = [
    path("auth/sign-in", auth_views.SignIn.as_view()),
    path("auth/code", auth_views.AskForCode.as_view()),
    path("auth/code/confirm", auth_views.ConfirmCode.as_view()),
    path("auth/password", auth_views.PasswordChange.as_view()),
    path("auth/password/forgotten", auth_views.ForgottenPassword.as_view()),
    path("auth/password/reset", auth_views.ResetPassword.as_view()),
    path("auth/sign-up", auth_views.SignUp.as_view()),
    path("auth/session", auth_views.Session.as_view()),
    path("auth/sessions", auth_views.Sessions.as_view()),
    path("invitations/accept", auth_views.Acceptance.as_view()),
]
