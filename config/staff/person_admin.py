"""The people of the installation, without anything that opens something."""

from accounts.models import Person
from accounts.people import members
from config.staff.read_only_admin import Looking


class PersonPages(Looking):
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = readonly_fields = ("public_id", *list_display, "agencies")

    def agencies(self, person: Person) -> str:
        found = members.of_person(person_id=person.pk)
        return ", ".join(f"{each.agency.name} ({each.role})" for each in found) or "none"
