"""Flask with single sign-on: sign-up by email, login with a cookie, TOTP, sessions, a list for admins, resets."""

from collections.abc import Callable
from typing import Any

from flask import Flask, redirect, render_template, request
from zato_sso import SearchCtx, SignupCtx, ValidationError
from zato_sso.flask import SSOExtension, current_user, login_required, super_user_required

app = Flask(__name__)
auth = SSOExtension(app, "sso.toml", login_url="/login", cookie_secure=False)  # True behind HTTPS


@app.get("/")
@login_required
def home() -> str:
    """For people who are logged in."""
    return render_template("page.html", title=f"Hello {current_user.display_name or current_user.username}")


@app.get("/admin/users")
@super_user_required
def users() -> str:
    """For super-users."""
    found = auth.bound.user.search(SearchCtx(paginate=False))["result"]
    return render_template("page.html", title="Users", items=[user["username"] for user in found])


@app.route("/sessions", methods=["GET", "POST"])
@login_required
def sessions() -> str:
    """One's own sessions, and a button that ends the others."""
    if request.method == "POST":
        auth.bound.session.end_all()
    items = [f"{one['remote_addr']} {one['creation_time']:%H:%M}" for one in auth.bound.session.get_list()]
    return render_template("page.html", title="Sessions", items=items, button="End all others")


@app.route("/login", methods=["GET", "POST"])
def login() -> Any:
    """The login."""
    return form("Log in", ["username", "password", "totp_code"], log_in)


def log_in(sent: dict[str, str]) -> Any:
    """Logs in, and leads to where one came from."""
    response = redirect(auth.next_url())
    auth.login(response, sent["username"], sent["password"], totp_code=sent["totp_code"] or None)
    return response


@app.post("/logout")
def logout() -> Any:
    """The logout."""
    response = redirect("/login")
    auth.logout(response)
    return response


@app.route("/signup", methods=["GET", "POST"])
def signup() -> Any:
    """The sign-up."""
    return form("Sign up", ["username", "email", "password"], sign_up)


def sign_up(sent: dict[str, str]) -> None:
    """Signs up."""
    ctx = SignupCtx(username=sent["username"], email=sent["email"], password=sent["password"])
    auth.bound.user.signup(ctx)


@app.route("/confirm", methods=["GET", "POST"])
def confirm() -> Any:
    """Where the email of a sign-up leads."""
    return form("Confirm", [], lambda _: auth.bound.user.confirm_signup(request.args["token"]))


@app.route("/forgot", methods=["GET", "POST"])
def forgot() -> Any:
    """Asks for a password reset."""
    return form(
        "Reset password", ["credential"], lambda sent: auth.bound.password_reset.create_token(sent["credential"])
    )


@app.route("/reset", methods=["GET", "POST"])
def reset() -> Any:
    """Where the email of a reset leads."""

    def change(sent: dict[str, str]) -> None:
        access = auth.bound.password_reset.access_token(request.args["token"])
        auth.bound.password_reset.change_password(sent["new_password"], request.args["token"], access.reset_key)

    return form("New password", ["new_password"], change)


@app.route("/totp", methods=["GET", "POST"])
@login_required
def totp() -> Any:
    """Turns TOTP on, by a code of a new key."""
    key = auth.bound.totp.begin_enrolment()[1] if request.method == "GET" else None
    return form(
        "Turn TOTP on",
        ["totp_code"],
        lambda sent: render_template(
            "page.html", title="Recovery codes", items=auth.bound.totp.finish_enrolment(sent["totp_code"])
        ),
        key=key,
    )


def form(title: str, names: list[str], call: Callable[[dict[str, str]], Any], **shown: Any) -> Any:
    """A page with a form, which calls something with what was sent."""
    if request.method == "GET":
        return render_template("page.html", title=title, names=names, button=title, **shown)
    try:
        return call({name: request.form[name] for name in names}) or render_template("page.html", title="Done")
    except ValidationError as error:
        return render_template("page.html", title=title, names=names, button=title, error=error), error.http_status
