"""Paths under /v1/ by which people come in."""

from django.urls import path

from accounts.entrance import views

urlpatterns = [
    path("auth/sign-in", views.SignIn.as_view()),
    path("auth/code", views.AskForCode.as_view()),
    path("auth/code/confirm", views.ConfirmCode.as_view()),
    path("auth/password", views.PasswordChange.as_view()),
    path("auth/password/forgotten", views.ForgottenPassword.as_view()),
    path("auth/password/reset", views.ResetPassword.as_view()),
    path("auth/sign-up", views.SignUp.as_view()),
    path("auth/session", views.Session.as_view()),
    path("auth/sessions", views.Sessions.as_view()),
    path("invitations/accept", views.Acceptance.as_view()),
]
