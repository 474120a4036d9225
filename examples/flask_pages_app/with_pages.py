"""Flask with single sign-on and its pages: sign-up by email, login, TOTP, passkeys, sessions, admin list, resets."""

from flask import Flask
from markupsafe import escape
from zato_sso import SearchCtx
from zato_sso.flask import SSOExtension, current_user, login_required, super_user_required

app = Flask(__name__)
auth = SSOExtension(app, "sso.toml", pages=True, cookie_secure=False)  # True behind HTTPS


@app.get("/")
@login_required
def home() -> str:
    """For people who are logged in."""
    return f"Hello {escape(current_user.display_name or current_user.username)}"


@app.get("/users")
@super_user_required
def users() -> list[str]:
    """For super-users."""
    return [user["username"] for user in auth.bound.user.search(SearchCtx(paginate=False))["result"]]
