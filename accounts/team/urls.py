"""Paths under /v1/ that tell who acts for an agency, and who is asked to."""

from django.urls import path

from accounts.team import views

urlpatterns = [
    path("members", views.Members.as_view()),
    path("members/<str:member_id>", views.OneMember.as_view()),
    path("invitations", views.Invitations.as_view()),
    path("invitations/<str:invitation_id>", views.OneInvitation.as_view()),
    path("invitations/<str:invitation_id>/send", views.InvitationAgain.as_view()),
]
