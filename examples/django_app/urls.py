"""The pages."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """For people who are logged in."""
    return HttpResponse(f"Hello {request.user.get_username()}")


urlpatterns = [
    path("", home),
    path("accounts/", include("zato_sso.django.urls")),
    path("admin/", admin.site.urls),
]
