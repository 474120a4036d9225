"""FastAPI with single sign-on: sign-up by email, login with a cookie, TOTP, sessions, a list for admins, resets."""

from typing import Annotated

from fastapi import Depends, FastAPI
from zato_sso import SearchCtx, User
from zato_sso.bound import AsyncBoundSSO
from zato_sso.fastapi import ZatoSSO

auth = ZatoSSO("sso.toml", cookie_secure=False)  # True behind HTTPS
app = FastAPI(lifespan=auth.lifespan)
app.include_router(auth.router())


@app.get("/hello")
async def hello(user: Annotated[User, Depends(auth.require_user)]) -> dict[str, str]:
    """For people who are logged in."""
    return {"hello": user.display_name or user.username}


@app.get("/admin/users", dependencies=[Depends(auth.require_super_user)])
async def users(me: Annotated[AsyncBoundSSO, Depends(auth.require_bound)]) -> list[str]:
    """For super-users."""
    found = await me.user.search(SearchCtx(paginate=False))
    return [user["username"] for user in found["result"]]
