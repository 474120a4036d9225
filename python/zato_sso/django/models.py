"""Which user of Django is which SSO user."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Link(models.Model):
    """A user of Django and the SSO user whom it follows."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sso_link")
    sso_user_id = models.CharField(max_length=64, unique=True)
    has_flags = models.BooleanField(default=False)
    """Whether is_staff and is_superuser were given because the SSO user is a super-user."""

    def __str__(self) -> str:
        return self.sso_user_id
