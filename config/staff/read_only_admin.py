"""Pages that are looked at: nothing of them is added, changed or deleted by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class Looking(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in its types alone
    def has_module_permission(self, request: HttpRequest) -> bool:
        return True  # whoever is no staff comes no further than the login

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
