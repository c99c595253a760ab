"""Admin pages of users, without passwords or tokens."""

from accounts.models import Person
from accounts.people import members
from config.staff.read_only_admin import ReadOnlyAdmin


class PersonAdmin(ReadOnlyAdmin):
    """List users and the agencies they belong to."""

    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = readonly_fields = ("public_id", *list_display, "agencies")

    def agencies(self, person: Person) -> str:
        memberships = members.list_for_person(person_id=person.pk)
        return ", ".join(f"{member.agency.name} ({member.role})" for member in memberships) or "none"
