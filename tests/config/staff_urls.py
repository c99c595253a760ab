"""Define the paths of an installation with `STAFF_ADMIN`."""

from django.urls import path

from config import urls
from config.staff.site import site

urlpatterns = [*urls.urlpatterns, path("staff/", site.urls)]
handler404 = urls.handler404
