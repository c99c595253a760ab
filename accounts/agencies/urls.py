"""Route the paths under /v1/ for accounts and the audit log.

metrics/api/urls.py has the list of accounts, which filters by metric, and ingestion/api/urls.py has one
account, whose reports decide what can be changed.
"""

from django.urls import path

from accounts.agencies import audit_views, bulk_views

urlpatterns = [
    path("audit-log", audit_views.AuditLog.as_view()),
    path("accounts/bulk", bulk_views.BulkAccounts.as_view()),
]
