"""Single sign-on for Django.

```python
INSTALLED_APPS = [..., "zato_sso.django"]
AUTHENTICATION_BACKENDS = ["zato_sso.django.Backend"]
MIDDLEWARE = [
    ...,
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "zato_sso.django.Middleware",
]
ZATO_SSO = {"URL": "sqlite:///sso.db"}
```

`request.user` is a Django user that follows the SSO user, `request.sso` is the session.
`include("zato_sso.django.urls")` has pages: login, sign-up, password reset and change, sessions, TOTP.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Backend", "Middleware", "get_sso"]

# Settings name these before Django is ready to import what they need.
_HOMES = {"Backend": "backend", "Middleware": "middleware", "get_sso": "conf"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
