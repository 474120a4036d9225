"""One call, three faces: the blocking tree, the awaited tree, and REST with the same arguments by name."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import requests
from inbox import Inbox
from stage import Stage
from support import Config, changed
from zato_sso import ValidationError

COMMAND = str(Path(sys.executable).with_name("zato-sso"))
Arguments = dict[str, Any]

# Where REST has each call. What the connection says, and what only callers in the same process say, is not sent.
REST = {
    "user.create_user": "POST /user",
    "user.create": "POST /user",
    "user.approve_user": "POST /user/approve",
    "user.approve": "POST /user/approve",
    "user.reject_user": "POST /user/reject",
    "user.reject": "POST /user/reject",
    "user.lock_user": "POST /user/lock",
    "user.unlock_user": "DELETE /user/lock",
    "user.login": "POST /user/login",
    "user.logout": "POST /user/logout",
    "user.get_current_user": "GET /user",
    "user.get_user_by_id": "GET /user",
    "user.search": "GET /user/search",
    "user.update_current_user": "PATCH /user",
    "user.update_user_by_id": "PATCH /user",
    "user.update": "PATCH /user",
    "user.delete_user_by_id": "DELETE /user",
    "user.delete": "DELETE /user",
    "user.change_password": "PATCH /user/password",
    "user.signup": "POST /user/signup",
    "user.confirm_signup": "PATCH /user/signup",
    "user.confirm_email": "POST /user/email/confirm",
    "user.resend_confirmation": "POST /user/signup/resend",
    "user.reset_totp_key": "PATCH /user/totp",
    "user.recovery_code.generate": "POST /user/recovery-code",
    "user.recovery_code.count": "GET /user/recovery-code",
    "user.passkey.begin_registration": "POST /user/passkey/options",
    "user.passkey.finish_registration": "POST /user/passkey",
    "user.passkey.begin_login": "POST /user/login/passkey/options",
    "user.passkey.finish_login": "POST /user/login/passkey",
    "user.passkey.begin_reauthentication": "POST /user/session/fresh/passkey/options",
    "user.passkey.finish_reauthentication": "POST /user/session/fresh/passkey",
    "user.passkey.get_list": "GET /user/passkey",
    "user.passkey.rename": "PATCH /user/passkey",
    "user.passkey.delete": "DELETE /user/passkey",
    "totp.begin_enrolment": "POST /user/totp/enrolment",
    "totp.finish_enrolment": "PATCH /user/totp/enrolment",
    "totp.disable": "DELETE /user/totp",
    "group.create": "POST /group",
    "group.get": "GET /group",
    "group.get_list": "GET /group/list",
    "group.update": "PATCH /group",
    "group.delete": "DELETE /group",
    "group.add_member": "POST /group/member",
    "group.remove_member": "DELETE /group/member",
    "group.get_members": "GET /group/member",
    "audit.search": "GET /audit",
    "client.create": "POST /client",
    "client.get": "GET /client",
    "client.get_list": "GET /client/list",
    "client.update": "PATCH /client",
    "client.delete": "DELETE /client",
    "client.rotate_secret": "POST /client/secret",
    "user.create_linked_auth": "POST /user/linked",
    "user.get_linked_auth_list": "GET /user/linked",
    "user.delete_linked_auth": "DELETE /user/linked",
    "session.verify": "POST /user/session",
    "session.renew": "PATCH /user/session",
    "session.reauthenticate": "POST /user/session/fresh",
    "session.get": "GET /user/session",
    "session.get_list": "GET /user/session/list",
    "session.end": "DELETE /user/session",
    "session.end_all": "DELETE /user/session/list",
    "password_reset.create_token": "POST /password/reset",
    "password_reset.access_token": "PATCH /password/reset",
    "password_reset.change_password": "DELETE /password/reset",
}
ATTR = {"create": "POST", "update": "PATCH", "set": "PUT", "delete": "DELETE", "get": "GET", "exists": "GET"}
ATTR_PATHS = {"exists": "/exists"}
for branch in ("user", "session"):
    for call, method in ATTR.items():
        line = f"{method} /{branch}/attr{ATTR_PATHS.get(call, '')}"
        REST |= {f"{branch}.attr.{call}": line, f"{branch}.attr.{call}_many": line}
    REST[f"{branch}.attr.names"] = f"GET /{branch}/attr/names"
EXPIRY = ("set_expiry", "set_expiry_many")
SITE_CALLS = ["create", "get_list", "update", "delete", "start_session", "get_session_list", "get_session"]
SITE_CALLS += ["get_identity_session", "end_session", "end_identity_session"]
# Calls that REST does not have, and why.
NOT_IN_REST = {
    "user.create_super_user": "the role is given in-process and by command only",
    "user.ensure_super_user": "for applications as they start, in-process and by command",
    "user.get_user_by_username": "trusted, in-process",
    "user.delete_user_by_username": "trusted, in-process",
    "user.set_password": "trusted, in-process",
    "user.validate_password": "for who is about to set one, in-process",
    "user.get_user_by_linked_auth": "not part of the documented REST API",
    "session.get_current_session": "GET /user/session tells the same",
    "session.require_super_user": "for services, in-process",
    "session.on_external_auth_succeeded": "trusted, in-process; requests are authenticated by their headers",
    "session.get_session_by_ext_id": "trusted, in-process",
    "totp.validate_code": "for services, in-process",
    "totp.provisioning_uri": "for services, in-process",
    **{f"site.{call}": "trusted, in-process; sites have an API of their own" for call in SITE_CALLS},
    **{f"identity.{call}": "trusted, in-process; sites have an API of their own" for call in ("get", "get_list")},
    **{f"{branch}.attr.{call}": "updating sets it, too" for branch in ("user", "session") for call in EXPIRY},
    **{f"{branch}.attr.to_dict": "many are got by their names" for branch in ("user", "session")},
}
IN_PROCESS = {"cid", "remote_addr", "require_super_user", "current_user", "skip_sec", "return_all_attrs"}
IN_PROCESS |= {"serialize_dt", "has_remote_addr", "has_user_agent", "check_if_password_expired", "user_agent"}


def elements(arguments: Arguments) -> Arguments:
    """Arguments of a call as elements of a request."""
    sent: Arguments = {}
    for name, value in arguments.items():
        if name == "data" and isinstance(value, Mapping):
            sent |= value
        elif name in {"key", "key_label"}:
            sent |= {f"totp_{name.removeprefix('key_')}": value} if value is not None else {}
        elif name == "code":
            sent["totp_code"] = value
        elif name == "names":
            sent["data"] = value
        elif name == "ctx":
            sent |= {name: value for name, value in vars(value).items() if value is not None}
        elif name == "new_password" and "reset_key" in arguments:
            sent["password"] = value
        elif name not in IN_PROCESS and value is not None:
            sent[name] = value
    if arguments.get("has_user_agent"):
        sent["user_agent"] = arguments["user_agent"]
    return sent


class Rest:
    """A running server."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session

    def call(self, name: str, arguments: Arguments) -> Any:
        """Asks; raises what the trees raise. Returns the elements of the answer."""
        method, path = REST[name].split()
        answer = self.session.request(method, f"{self.url}/zato/sso{path}", json=elements(arguments), timeout=60)
        body = answer.json()
        if answer.status_code in {403, 429}:
            raise ValidationError(body["sub_status"], body["status"])
        assert answer.status_code == 200, answer.text
        return body


@contextmanager
def serving(config: Config, folder: Path) -> Iterator[Rest]:
    """`zato-sso serve` on a free port."""
    path = folder / "sso.toml"
    # Strings, numbers, booleans and lists are written alike in JSON and TOML.
    keys = [f"{name}.{key} = {json.dumps(value)}" for name, section in config.items() for key, value in section.items()]
    path.write_text("\n".join(keys), encoding="utf-8")
    command = [COMMAND, "--config", str(path), "--json", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, requests.Session() as session:
        try:
            assert process.stdout is not None
            yield Rest("http://" + json.loads(process.stdout.readline())["listen"], session)
        finally:
            process.terminate()
        assert process.wait(30) == 0


class Everywhere(Stage):
    """A stage whose calls go to one of three faces. The sessions and people on it are made in the same process."""

    def __init__(self, face: str, config: Config, loop: asyncio.AbstractEventLoop, mail: Inbox, folder: Path) -> None:
        """Makes the stage; the server starts with `opened`."""
        super().__init__("async" if face == "async" else "blocking", config, loop, mail)
        self.is_rest = face == "rest"
        self.folder = folder
        self.servers: dict[str, Rest] = {}
        self.tokens: dict[object, tuple[str, float]] = {}
        self.rest = self.server()

    def server(self, **sections: Mapping[str, Any]) -> Rest | None:
        """A server on the same database, one for all who ask for the same configuration; none for the trees."""
        if not self.is_rest:
            return None
        key = json.dumps(sections, sort_keys=True)
        if key not in self.servers:
            config = changed(self.config, **sections)
            self.servers[key] = self.kept.enter_context(serving(config, self.folder))
        return self.servers[key]

    @contextmanager
    def opened(self, **sections: Mapping[str, Any]) -> Iterator[Everywhere]:
        """The same stage, configured otherwise. What that takes stays open: others may ask for it."""
        usual = (self.sso, self.rest)
        self.sso, self.rest = self.configured(**sections), self.server(**sections)
        try:
            yield self
        finally:
            self.sso, self.rest = usual

    def token(self, key: object, make: Callable[[], str]) -> str:
        """A token that is made once, and then the same for all who ask by this key: for calls that are refused."""
        # Limits count by the day, and a login is fresh for minutes only.
        key = (key, datetime.now(timezone.utc).date())
        if key not in self.tokens or time.monotonic() - self.tokens[key][1] > 200:
            self.tokens[key] = (make(), time.monotonic())
        return self.tokens[key][0]

    def has(self, name: str) -> bool:
        """Whether the face has this call."""
        return not self.is_rest or name in REST

    def call(self, name: str, arguments: Arguments) -> Any:
        """Calls it there."""
        if self.rest is not None:
            return self.rest.call(name, arguments)
        target: Any = self.sso
        for part in name.split("."):
            target = getattr(target, part)
        return target(**arguments)
