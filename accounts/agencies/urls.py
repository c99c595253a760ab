"""Route the paths under /v1/ for accounts and the audit log.

metrics/api/urls.py has the list of accounts, which filters by metric.
"""

from django.urls import path

from accounts.agencies import account_views, audit_views, bulk_views

urlpatterns = [
    path("audit-log", audit_views.AuditLog.as_view()),
    path("accounts/bulk", bulk_views.BulkAccounts.as_view()),
    path("accounts/<str:account_id>", account_views.Account.as_view()),
]
