"""The server keeps what its OpenAPI document promises, whatever it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conftest import with_schema
from inbox import Inbox
from stage import rows
from support import APP, PASSWORD, Config, changed, config_of, log_in, new_key, super_user, unique
from zato_sso import SSO

if TYPE_CHECKING:
    import schemathesis

COMMAND = str(Path(sys.executable).with_name("zato-sso"))
EXAMPLES = 25
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
# What a case consists of.
PARTS = ("path_parameters", "headers", "cookies", "query", "body")
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


class Target:
    """A running server, and people to ask it as and about."""

    def __init__(self, url: str, sso: SSO) -> None:
        self.url = url
        self.sso = sso
        self.session = requests.Session()
        site = sso.site.create("cid", unique("site"), [], trusted=True)
        self.subdomain = site["subdomain"]
        self.keys = (site["public_key"], site["private_key"])

    def newcomer(self) -> tuple[str, str]:
        """The id of a new user, and a token for them."""
        data = {"username": unique("user"), "password": PASSWORD}
        user_id = self.sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
        return user_id, log_in(self.sso, data["username"])

    def token_for(self, path: str, user_id: str) -> str:
        """What a path of the sessions API may end with, for this user."""
        (identity,) = self.sso.identity.get_list("cid", user_id)
        if path.startswith("/sso/sessions/{"):
            started = self.sso.site.start_session("cid", self.subdomain, identity["identity_token"])
            return str(started["sso_session_token"])
        return str(identity["user_token" if "users" in path else "identity_token"])

    def admin(self) -> str:
        """A token for a new super-user, who may lock themselves out."""
        return log_in(self.sso, super_user(self.sso))


@contextmanager
def serving(config: Config, folder: Path) -> Iterator[str]:
    """`zato-sso serve` on a free port: its address."""
    more = {**config, "apps": {"all": [APP], "login_allowed": [APP], "signup_allowed": [APP]}}
    path = folder / "sso.toml"
    # Strings, numbers, booleans and lists are written alike in JSON and TOML.
    keys = [f"{name}.{key} = {json.dumps(value)}" for name, section in more.items() for key, value in section.items()]
    path.write_text("\n".join(keys), encoding="utf-8")
    command = [COMMAND, "--config", str(path), "--json", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield "http://" + json.loads(process.stdout.readline())["listen"]
        finally:
            process.terminate()
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def targets(
    request: pytest.FixtureRequest, mail: Inbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Target]]:
    """A running server on each database: requests are drawn once for both."""
    with ExitStack() as stack:
        found = {}
        for engine in ("sqlite", "postgresql"):
            folder = tmp_path_factory.mktemp(engine)
            url = stack.enter_context(with_schema(request, engine, folder))
            config = changed(
                config_of(url, new_key()), smtp={"url": mail.url}, signup={"always_return_confirm_token": True}
            )
            address = stack.enter_context(serving(config, folder))
            found[engine] = Target(address, stack.enter_context(SSO(config=config)))
            stack.enter_context(found[engine].session)
        yield found


every_operation = pytest.mark.parametrize(("path", "method"), OPERATIONS)


# Schemathesis takes seconds to import, and each process of the tests imports this file.


@cache
def schema() -> Any:
    import schemathesis

    return schemathesis.openapi.from_dict(DOCUMENT)


@cache
def checks() -> list[Any]:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]


def drawn(path: str, method: str) -> list[tuple[schemathesis.Case[Any], bool]]:
    """Cases for an operation, and whether they are about who is there.

    To draw them takes longer than to send them: every database and every caller gets the same.
    """
    from hypothesis import HealthCheck, Phase, given, seed, settings, strategies

    cases = []

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema()[path][method].as_strategy(), is_known=strategies.booleans())
    def draw(case: schemathesis.Case[Any], is_known: bool) -> None:
        cases.append((case, is_known))

    draw()
    return cases


def copies(drawn: list[tuple[schemathesis.Case[Any], bool]]) -> Iterator[tuple[schemathesis.Case[Any], bool]]:
    """Copies of cases, which a test may change."""
    from schemathesis.core import NotSet

    for case, is_known in drawn:
        parts = {name: part for name in PARTS if not isinstance(part := getattr(case, name), NotSet)}
        parts = deepcopy(parts)
        yield case.operation.Case(media_type=case.media_type, **parts), is_known


def checked(target: Target, case: schemathesis.Case[Any], ust: str | None) -> int:
    """Sends a request, and compares the answer with what the document says about it; the status."""
    headers = {"Authorization": f"Bearer {ust}"} if ust else {}
    is_for_sites = case.operation.path.endswith(".json") and not case.operation.path.startswith("/openapi")
    auth = target.keys if ust and is_for_sites else None
    answer = case.call_and_validate(
        target.url,
        headers={} if auth else headers,
        auth=auth,
        checks=checks(),
        session=target.session,
        timeout=30,
    )
    return int(answer.status_code)


def strangers(target: Target, cases: Iterator[tuple[schemathesis.Case[Any], bool]]) -> None:
    for case, _ in cases:
        checked(target, case, None)


def those_who_may_do_everything(target: Target, cases: Iterator[tuple[schemathesis.Case[Any], bool]]) -> None:
    status = 200
    for case, is_known in cases:
        # Sessions that the case may end, and people that it may delete or lock out. A rejected body does neither.
        if status != 400:
            user_id, ust = target.newcomer()
            admin = target.admin()
        known = {"user_id": user_id, "target_ust": ust, "ust": admin, "current_ust": admin}
        if case.path_parameters and is_known:
            case.path_parameters["token"] = target.token_for(case.operation.path, user_id)
        for part in (case.query, case.body):
            if isinstance(part, dict) and is_known:
                part.update({name: value for name, value in known.items() if name in part})
        status = checked(target, case, admin)


@every_operation
def test_everybody_gets_what_is_promised(targets: dict[str, Target], path: str, method: str) -> None:
    cases = drawn(path, method)
    with rows() as row:
        for engine, target in targets.items():
            for caller in (strangers, those_who_may_do_everything):
                with row(f"{engine}: {caller.__name__}"):
                    caller(target, copies(cases))
