"""Single sign-on as a library: users, sessions and TOTP, inside the process of a Python service.

```python
from zato_sso import SSO

sso = SSO("sqlite:///sso.db")
info = sso.user.login("cid-1", "user1", "the password", "CRM", "127.0.0.1")
```

`zato_sso.aio` has the same calls for asyncio.
"""

import sys

from zato_sso import _interpreter as _interpreter

__all__ = [
    "SSO",
    "AccessTokenCtx",
    "AttrAPI",
    "AttrEntity",
    "AuditSearchCtx",
    "BackendError",
    "ImportSummary",
    "InternalError",
    "InvalidTOTPError",
    "Passkey",
    "SearchCtx",
    "Session",
    "SessionInfo",
    "SignupCtx",
    "Token",
    "User",
    "ValidationError",
    "__version__",
    "const",
    "status_code",
]

# The module that a name comes from, where it is not `_core`; None for modules. Each is imported when it is first used:
# nobody waits for what they do not use.
_MODULES = {
    "AuditSearchCtx": "ctx",
    "SearchCtx": "ctx",
    "SignupCtx": "ctx",
    "BackendError": "errors",
    "InternalError": "errors",
    "InvalidTOTPError": "errors",
    "ValidationError": "errors",
    "const": None,
    "ctx": None,
    "errors": None,
    "status_code": None,
}

# As `typing.TYPE_CHECKING`, which takes longer to import than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from zato_sso import const, status_code
    from zato_sso._core import (
        SSO,
        AccessTokenCtx,
        AttrAPI,
        AttrEntity,
        ImportSummary,
        Passkey,
        Session,
        SessionInfo,
        Token,
        User,
        __version__,
    )
    from zato_sso.ctx import AuditSearchCtx, SearchCtx, SignupCtx
    from zato_sso.errors import BackendError, InternalError, InvalidTOTPError, ValidationError
else:

    def __getattr__(name: str) -> object:
        """Imports a name where it is first used (PEP 562)."""
        if name not in _MODULES and name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = _MODULES.get(name, "_core")
        path = f"{__name__}.{module or name}"
        __import__(path)
        value = getattr(sys.modules[path], name) if module else sys.modules[path]
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """All names, used or not."""
        return sorted({*globals(), *_MODULES, *__all__} - {"TYPE_CHECKING", "sys"})
