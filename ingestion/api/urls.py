"""Paths under /v1/ that take documents in and tell what became of them."""

from django.urls import path

from ingestion.api import views
from ingestion.exports import views as takeout

urlpatterns = [
    path("accounts/<str:account_id>/reports", views.Reports.as_view()),
    path("accounts/<str:account_id>/defects", views.Defects.as_view()),
    path("exports", takeout.Exports.as_view()),
    path("exports/<str:export_id>", takeout.OneExport.as_view()),
    path("exports/<str:export_id>/archive", takeout.Archive.as_view()),
    path("document-kinds", views.DocumentKinds.as_view()),
    path("reports/<str:report_id>", views.OneReport.as_view()),
    path("reports/<str:report_id>/rejected-rows", views.RejectedRows.as_view()),
    path("reports/<str:report_id>/document", views.Document.as_view()),
]
