"""Wrong secrets and signatures for the definition of a program and the keys of a site, so that the right ones wait."""

from __future__ import annotations

import base64
import hmac
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from target import APP, COMMAND, Target, main, target


def command(server: Target, *arguments: str) -> dict[str, str]:
    """What a command of the operator prints."""
    line = [COMMAND, "--config", str(server.folder / "sso.toml"), "--json", *arguments]
    made: dict[str, str] = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)
    return made


def token(secret: str, username: str) -> str:
    """A JWT, good for a minute."""

    def encoded(part: bytes) -> bytes:
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    claims = {"sub": username, "exp": int(time.time()) + 60}
    signed = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + encoded(hmac.digest(secret.encode(), signed, "sha256"))).decode()


def attack(database_url: str | None) -> Iterator[str]:
    """Wrong ones until there is a delay; then the right ones."""
    with target(database_url, login_throttle={"max_failures": 10}) as server:
        assert Path(COMMAND).exists()
        secret = command(server, "create-sec-def", "basic_auth", "export", "export1")["secret"]
        key = command(server, "create-sec-def", "jwt", "report", "report1")["secret"]
        site = command(server, "create-site", "shop")
        user = server.sso.user
        user.create_super_user("cid", {"username": "root1"}, require_super_user=False, auto_approve=True)
        root = user.login("cid", "root1", None, APP, None, skip_sec=True).ust
        user_id = user.create_user("cid", {"username": "bot1"}, require_super_user=False, auto_approve=True)
        for kind, name in [("basic_auth", "export1"), ("jwt", "report1")]:
            user.create_linked_auth("cid", root, user_id, kind, name, True, APP, None)

        def basic(password: str) -> int:
            return server.call("GET", "/user", auth=("export1", password)).status_code

        def bearer(secret: str) -> int:
            headers = {"Authorization": f"Bearer {token(secret, 'report1')}"}
            return server.call("GET", "/user", headers=headers).status_code

        def of_site(password: str) -> int:
            url = f"{server.url}/sso/sessions.json"
            return requests.get(url, auth=(site["public_key"], password), timeout=60).status_code

        wrong = [(basic("wrong"), bearer("k" * 43), of_site("wrong")) for _ in range(12)][-1]
        right = [(basic(secret), bearer(key), of_site(site["private_key"])) for _ in range(3)]
        yield f"wrong ones are answered with {wrong}, right ones with {right}"
        assert wrong == (429, 429, 429), "wrong ones are not delayed"
        assert right == [(200, 200, 200)] * 3, "right ones are delayed"


if __name__ == "__main__":
    main(attack)
