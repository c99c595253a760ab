"""Define views that fail with secrets in their variables."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

KEY = "uo_live_AbCdEf123456_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"
URL = "https://hooks.slack.com/services/T000/B000/verysecret"


def fail(request: HttpRequest) -> HttpResponse:
    local_secret = "-".join(["local", "verysecret"])
    raise ValueError(f"cannot tell {URL} with {KEY}" + local_secret[:0])


urlpatterns = [path("fail", fail)]
