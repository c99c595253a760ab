"""Route the paths under /v1/ for reports, defects, facts, report types, exports, and one account."""

from django.urls import path

from accounts.agencies.account_views import Account
from ingestion import intake
from ingestion.api import account_views, views
from ingestion.exports import views as export_views

urlpatterns = [
    path("accounts/<str:account_id>", Account.as_view(has_reports=intake.has_reports)),
    path("accounts/<str:account_id>/corrections", account_views.CorrectAccount.as_view()),
    path("accounts/<str:account_id>/restore", account_views.RestoreAccount.as_view()),
    path("accounts/<str:account_id>/reports", views.ReportListView.as_view()),
    path("accounts/<str:account_id>/defects", views.DefectListView.as_view()),
    path("accounts/<str:account_id>/facts", views.FactListView.as_view()),
    path("exports", export_views.ExportListView.as_view()),
    path("exports/<str:export_id>", export_views.ExportView.as_view()),
    path("exports/<str:export_id>/archive", export_views.ExportArchiveView.as_view()),
    path("document-kinds", views.ReportTypeListView.as_view()),
    path("reports/<str:report_id>", views.ReportView.as_view()),
    path("reports/<str:report_id>/rejected-rows", views.RejectedRowListView.as_view()),
    path("reports/<str:report_id>/document", views.ReportDocumentView.as_view()),
]
