"""OAuth access tokens, JWTs and opaque ones, that web frameworks and the tree are shown. Django is in test_django.py.

Annotations are not postponed here: FastAPI evaluates them.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from issuer import AUDIENCE, ISSUER, Issuer, with_issuer
from stage import refused
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from support import ADDRESS, Config, config_of, new_key
from web import PROBLEM, add_user, web_config
from zato_sso import SSO, Token, aio
from zato_sso.fastapi import ZatoSSO
from zato_sso.flask import SSOExtension, current_token, token_required
from zato_sso.starlette import ZatoSSO as StarletteSSO


@dataclass
class Stage:
    """A user, a session, and a client whose access tokens have one of both formats."""

    config: Config
    issuer: Issuer
    format: str
    client: dict[str, Any]
    username: str
    ust: str

    def token(self, scope: str = "openid reports:read", **more: str) -> str:
        return self.issuer.token_of(self.client, self.ust, scope, **more)


@pytest.fixture(params=["jwt", "opaque"])
def stage(request: pytest.FixtureRequest, database_url: str) -> Iterator[Stage]:
    config = with_issuer(web_config(database_url))
    with SSO(config=config) as sso:
        issuer = Issuer(sso)
        username = add_user(sso, email="ann@example.com")
        client = issuer.client(access_token_format=request.param)
        yield Stage(config, issuer, request.param, client, username, issuer.log_in(username))


def challenge(done: Any) -> str:
    assert done.headers["content-type"] == PROBLEM
    return str(done.headers["www-authenticate"])


def check_views(stage: Stage, ask: Any) -> None:
    """The same of all frameworks. `/mine` is for the issuer, `/api` for `AUDIENCE`, `/write` needs one more scope."""
    mine, elsewhere = stage.token(), stage.token(resource=AUDIENCE)
    assert ask("GET", "/mine", mine) == (200, stage.username, "")
    # Programs send no cookie: what a browser sends from elsewhere is not forged.
    assert ask("POST", "/mine", mine, {"Sec-Fetch-Site": "cross-site"}) == (200, stage.username, "")
    assert ask("GET", "/api", elsewhere) == (200, stage.username, "")
    status, _, told = ask("GET", "/mine", None)
    assert (status, told) == (401, 'Bearer scope="reports:read"')
    for wrong in ("x", stage.ust, "a.b.c"):
        status, _, told = ask("GET", "/mine", wrong)
        assert status == 401
        assert told.startswith('Bearer error="invalid_token", error_description="access_token: ')
        assert told.endswith('", scope="reports:read"')
    for path, token in (("/mine", elsewhere), ("/api", mine)):
        status, _, told = ask("GET", path, token)
        assert status == 401
        assert "access_token: it is for another audience" in told
    status, _, told = ask("GET", "/write", mine)
    assert status == 403
    assert told.startswith('Bearer error="insufficient_scope"')
    assert told.endswith('scope="reports:read reports:write"')
    stage.issuer.sso.user.logout("cid", stage.ust, None, ADDRESS)
    # A JWT is good until it expires; that its session has ended is known once its user is read.
    status, _, told = ask("GET", "/mine", mine)
    assert (status, told.partition(" ")[0]) == (401, "Bearer")
    status, body, _ = ask("GET", "/claims", mine)
    assert (status, body) == ((200, stage.client["client_id"]) if stage.format == "jwt" else (401, ""))


def test_fastapi(stage: Stage) -> None:
    auth = ZatoSSO(stage.config, cookie_secure=False)
    app = FastAPI(lifespan=auth.lifespan)

    @app.post("/mine")
    async def change_mine(token: auth.token("reports:read")) -> str:  # type: ignore[valid-type]
        return str((await token.user).username)

    @app.get("/mine")
    async def mine(token: auth.token("reports:read")) -> str:  # type: ignore[valid-type]
        return str((await token.user).username)

    @app.get("/api")
    async def api(token: Annotated[Token, Depends(auth.require_token("reports:read", audience=AUDIENCE))]) -> str:
        return str((await token.user).username)

    @app.get("/write")
    async def write(token: auth.token("reports:read", "reports:write")) -> None:  # type: ignore[valid-type]
        pass

    @app.get("/claims")
    async def claims(token: auth.token(audience=ISSUER)) -> str:  # type: ignore[valid-type]
        return str(token.claims["client_id"])

    with TestClient(app) as client:

        def ask(method: str, path: str, token: str | None, headers: Any = None) -> tuple[int, str, str]:
            sent = {} if token is None else {"Authorization": f"Bearer {token}"}
            done = client.request(method, path, headers={**sent, **(headers or {})})
            if done.status_code == 200:
                return 200, done.json(), ""
            return done.status_code, "", challenge(done)

        check_views(stage, ask)
        described = client.get("/openapi.json").json()
        scheme = described["components"]["securitySchemes"]["access_token"]
        assert scheme["type"] == "openIdConnect"
        assert scheme["openIdConnectUrl"] == f"{ISSUER}/.well-known/openid-configuration"
        asked = described["paths"]["/write"]["get"]["security"]
        assert asked == [{"access_token": ["reports:read", "reports:write"]}]


def test_flask(stage: Stage) -> None:
    app = Flask("app")
    SSOExtension(app, stage.issuer.sso, cookie_secure=False)

    @app.route("/mine", methods=["GET", "POST"])
    @token_required("reports:read")
    def mine() -> str:
        return str(current_token.user.username)

    @app.get("/api")
    @token_required("reports:read", audience=AUDIENCE)
    async def api() -> str:
        return str(current_token.user.username)

    @app.get("/write")
    @token_required("reports:read", "reports:write")
    def write() -> str:
        return ""

    @app.get("/claims")
    @token_required(audience=ISSUER)
    def claims() -> str:
        return str(current_token.claims["client_id"])

    client = app.test_client()

    def ask(method: str, path: str, token: str | None, headers: Any = None) -> tuple[int, str, str]:
        sent = {} if token is None else {"Authorization": f"Bearer {token}"}
        done = client.open(path, method=method, headers={**sent, **(headers or {})})
        if done.status_code == 200:
            return 200, done.text, ""
        return done.status_code, "", challenge(done)

    check_views(stage, ask)


def test_the_audience_is_a_setting_and_an_issuer_is_needed(stage: Stage) -> None:
    elsewhere = stage.token(resource=AUDIENCE)

    def status_of(config: Config, **options: Any) -> int:
        app = Flask("app")
        with SSO(config=config) as sso:
            SSOExtension(app, sso, cookie_secure=False, **options)
            app.add_url_rule("/", "view", token_required("reports:read")(lambda: "yes"))
            return app.test_client().get("/", headers={"Authorization": f"Bearer {elsewhere}"}).status_code

    assert status_of(stage.config, audience=AUDIENCE) == 200
    assert status_of(stage.config) == 401
    without = {name: section for name, section in stage.config.items() if name != "oidc"}
    assert status_of(without) == 500


def test_the_token_of_any_login_is_not_enough() -> None:
    """Any client has tokens for the issuer with the scopes of OpenID Connect: a view asks for more than these."""
    config = with_issuer(config_of("sqlite::memory:", new_key()))
    told = r'set audience="https://api\.example" .* or ask for a scope of this service'
    fast = ZatoSSO(config)
    plain = StarletteSSO(config)

    async def current(request: Request) -> PlainTextResponse:
        scopes = request.query_params.getlist("scope")
        return PlainTextResponse((await plain.current_token(request, *scopes)).sub)

    with (
        SSO(config=config) as sso,
        TestClient(Starlette(routes=[Route("/", current)], lifespan=plain.lifespan)) as shown,
    ):
        for scopes in ([], ["openid"], ["openid profile", "email", "groups", "offline_access"]):
            # Where the view is written, not first where somebody calls it.
            with pytest.raises(RuntimeError, match=told):
                fast.token(*scopes)
            assert fast.token(*scopes, audience=AUDIENCE)
            assert fast.token(*scopes, "reports:read")
            assert ZatoSSO(config, audience=AUDIENCE).token(*scopes)
            app = Flask("app")
            app.testing = True
            SSOExtension(app, sso)
            app.add_url_rule("/guarded", "guarded", token_required(*scopes)(lambda: "yes"))
            app.add_url_rule("/plain", "plain", lambda: current_token.sub)
            # Without a token, too: it is noticed by the first request, not by the first good one.
            for headers in ({}, {"Authorization": "Bearer x"}):
                with pytest.raises(RuntimeError, match=told):
                    shown.get("/", params={"scope": scopes}, headers=headers)
                for path in ("/guarded", "/plain"):
                    with pytest.raises(RuntimeError, match=told):
                        app.test_client().get(path, headers=headers)
        assert shown.get("/", params={"scope": "reports:read"}).status_code == 401


def test_a_token_shows_whose_it_is(stage: Stage) -> None:
    sso = stage.issuer.sso
    text = stage.token("openid reports:read")
    token = sso.token.verify("cid", text, ISSUER, "reports:read", "default", ADDRESS)
    user = token.user
    assert user is not None
    assert (token.user_id, token.client_id) == (user.user_id, stage.client["client_id"])
    assert (token.scope, token.audience) == (["openid", "reports:read"], [ISSUER])
    assert (token.claims["iss"], token.claims["scope"]) == (ISSUER, "openid reports:read")
    # As the user sees themselves.
    assert (user.username, user.email, user.is_super_user) == (stage.username, "ann@example.com", None)
    user.attr.set("color", "blue")
    attr = user.attr.get("color")
    assert attr is not None
    assert attr.value == "blue"
    with refused("E005001"):
        sso.token.verify("cid", text, ISSUER, "reports:write", "default", ADDRESS)

    async def awaited() -> str:
        async with aio.SSO(config=stage.config) as other:
            user = await (await other.token.verify("cid", text)).user
            assert user is not None
            return user.username

    assert asyncio.run(awaited()) == stage.username
    sso.user.logout("cid", stage.ust, None, ADDRESS)
    with refused("E007001"):
        _ = token.user
    if stage.format == "opaque":
        with refused("E007001"):
            sso.token.verify("cid", text, ISSUER)
    else:
        assert sso.token.verify("cid", text, ISSUER).user_id == token.user_id


def test_a_service_has_no_user(stage: Stage) -> None:
    service = stage.issuer.client("service", access_token_format=stage.format)
    text = stage.issuer.token_for(service, "reports:read", resource=AUDIENCE)
    token = stage.issuer.sso.token.verify("cid", text, AUDIENCE, "reports:read")
    assert (token.sub, token.user, token.user_id) == (service["client_id"], None, None)


def test_the_clock_ends_tokens() -> None:
    from zato_sso.testing import Clock

    clock = Clock()
    config = with_issuer(config_of("sqlite::memory:", new_key()))
    with clock.sso(config) as sso:
        issuer = Issuer(sso)
        for format_ in ("jwt", "opaque"):
            client = issuer.client("service", access_token_format=format_, access_token_lifetime=60)
            text = issuer.token_for(client, "reports:read")
            token = sso.token.verify("cid", text, ISSUER)
            clock.advance(60)
            with refused("E007001"):
                sso.token.verify("cid", text, ISSUER)
            with refused("E007001"):
                _ = token.user
