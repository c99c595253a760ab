"""Route the paths under /v1/ for reports, defects, report types, exports, and restored accounts."""

from django.urls import path

from ingestion.api import restoration_views, views
from ingestion.exports import views as export_views

urlpatterns = [
    path("accounts/<str:account_id>/restore", restoration_views.RestoreAccount.as_view()),
    path("accounts/<str:account_id>/reports", views.ReportListView.as_view()),
    path("accounts/<str:account_id>/defects", views.DefectListView.as_view()),
    path("exports", export_views.ExportListView.as_view()),
    path("exports/<str:export_id>", export_views.ExportView.as_view()),
    path("exports/<str:export_id>/archive", export_views.ExportArchiveView.as_view()),
    path("document-kinds", views.ReportTypeListView.as_view()),
    path("reports/<str:report_id>", views.ReportView.as_view()),
    path("reports/<str:report_id>/rejected-rows", views.RejectedRowListView.as_view()),
    path("reports/<str:report_id>/document", views.ReportDocumentView.as_view()),
]
