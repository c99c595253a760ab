"""Paths under /v1/ that tell who acts for an agency, and who is asked to."""

from django.urls import path

from accounts.people.api import member_views

urlpatterns = [
    path("members", member_views.Members.as_view()),
    path("members/<str:member_id>", member_views.OneMember.as_view()),
    path("invitations", member_views.Invitations.as_view()),
    path("invitations/<str:invitation_id>", member_views.OneInvitation.as_view()),
    path("invitations/<str:invitation_id>/send", member_views.InvitationAgain.as_view()),
]
