"""Single sign-on as a library: users, sessions and TOTP, inside the process of a Python service.

```python
from zato_sso import SSO

sso = SSO("sqlite:///sso.db")
info = sso.user.login("cid-1", "user1", "the password", "CRM", "127.0.0.1")
```

`zato_sso.aio` has the same calls for asyncio.
"""

from zato_sso import _interpreter as _interpreter  # isort: skip
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
    User,
    __version__,
)
from zato_sso.ctx import SearchCtx, SignupCtx
from zato_sso.errors import BackendError, InternalError, InvalidTOTPError, ValidationError

__all__ = [
    "SSO",
    "AccessTokenCtx",
    "AttrAPI",
    "AttrEntity",
    "BackendError",
    "ImportSummary",
    "InternalError",
    "InvalidTOTPError",
    "Passkey",
    "SearchCtx",
    "Session",
    "SessionInfo",
    "SignupCtx",
    "User",
    "ValidationError",
    "__version__",
    "const",
    "status_code",
]
