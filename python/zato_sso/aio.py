"""Single sign-on for asyncio: the tree of `zato_sso.SSO` with every call awaitable.

```python
from zato_sso.aio import SSO

async with SSO("sqlite:///sso.db") as sso:
    info = await sso.user.login("cid-1", "user1", "the password", "CRM", "127.0.0.1")
```
"""

from zato_sso._core import AsyncSSO as SSO
from zato_sso._core import AttrAPI

__all__ = ["SSO", "AttrAPI"]
