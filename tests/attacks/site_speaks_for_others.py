"""One web site with a key pair of its own reads, changes and starts sessions for everybody at every other one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

from target import PASSWORD, Target, main, target

CONFIRMED = {"confirm_deletion": "true"}
STOLEN = "a password of the attacker"


class WebSite:
    """A client of the sessions API with keys of its own."""

    def __init__(self, server: Target, name: str) -> None:
        """Makes the site, as an operator does with `create-site`."""
        made = server.sso.site.create("cid", name, [f"https://{name}.example/callback"])
        self.url = server.url
        self.keys = (made["public_key"], made["private_key"])

    def ask(self, method: str, path: str, **request: Any) -> requests.Response:
        """One request."""
        url = f"{self.url}{path}.json"
        parameters = CONFIRMED if method == "DELETE" else None
        body = {"request": request}
        return requests.request(method, url, params=parameters, json=body, auth=self.keys, timeout=60)

    def data(self, method: str, path: str, **request: Any) -> Any:
        """What a request is answered with that works."""
        answer = self.ask(method, path, **request)
        assert answer.ok, answer.text
        return answer.json()["response"]["result"]["data"]


def attack(database_url: str | None) -> Iterator[str]:
    """Every request of the sessions API with the tokens of users whom the site has nothing to do with."""
    with target(database_url) as server:
        shop, evil = WebSite(server, "shop"), WebSite(server, "evil")
        ann = shop.data("POST", "/storage/users", user={"login": "ann", "password": PASSWORD, "externalid": "ann"})[
            "user"
        ]
        anns = ann["identity"]["identity_token"]
        session = shop.data("PUT", f"/sso/sessions/identities/{anns}")["sso_session"]["sso_session_token"]
        victims = {"another site's user": (ann["user_token"], anns)}
        users = server.sso.user
        for who, create in [("a user of no site", users.create_user), ("a super-user", users.create_super_user)]:
            data = {"username": who.replace(" ", "-"), "password": PASSWORD}
            user_id = create("cid", data, require_super_user=False, auto_approve=True)
            (identity,) = server.sso.identity.get_list("cid", user_id)
            victims[who] = (identity["user_token"], identity["identity_token"])

        mallory = evil.data("POST", "/storage/users", user={"login": "mallory"})["user"]
        mallorys = mallory["identity"]["identity_token"]
        worked, asked = [], 0
        for who, (user, identity) in victims.items():
            for method, path in [
                ("GET", f"/users/{user}"),
                ("GET", f"/identities/{identity}"),
                ("PUT", f"/storage/users/{user}"),
                ("POST", f"/storage/users/{user}"),
                ("DELETE", f"/users/{user}"),
                ("DELETE", f"/identities/{identity}"),
                ("PUT", f"/identities/{identity}/synchronize"),
                ("PUT", f"/sso/sessions/identities/{identity}"),
                ("GET", f"/sso/sessions/identities/{identity}"),
                ("DELETE", f"/sso/sessions/identities/{identity}"),
                ("GET", f"/sso/sessions/{session}"),
                ("DELETE", f"/sso/sessions/{session}"),
            ]:
                asked += 1
                told = {"login": "evil", "password": STOLEN, "externalid": "evil"}
                answer = evil.ask(method, path, user=told)
                if answer.status_code != 404:
                    worked.append(f"{method} {path.rsplit('/', 1)[0]} of {who}: {answer.status_code}")
            # What names a user in the body; and an identity that is theirs, or is to be.
            identifier = {"field": "user_token", "value": user}
            for method, path, request in [
                ("POST", "/storage/users/user/lookup", {"user": {"user_token": user}}),
                ("POST", "/storage/users/user/lookup", {"user": {"login": "ann", "externalid": "ann"}}),
                ("POST", "/storage/users/user/lookup", {"user": {"externalid": "ann"}}),
                ("PUT", "/storage/users/user/synchronize", {"synchronize": {"identifier": identifier}}),
                ("PUT", f"/identities/{identity}/link", {"user": {"user_token": mallory["user_token"]}}),
                ("PUT", f"/identities/{mallorys}/link", {"user": {"user_token": user}}),
            ]:
                asked += 1
                answer = evil.ask(method, path, **request)
                if answer.status_code != 404:
                    worked.append(f"{method} {path} with {who}: {answer.status_code}")
        for name in ("users", "identities"):
            listed = evil.data("GET", f"/{name}")[name]["count"]
            if listed != 1:
                worked.append(f"GET /{name}: {listed} of them")
        for password in ("", STOLEN):
            asked += 1
            answer = evil.ask("POST", "/storage/users/user/lookup", user={"login": "mallory", "password": password})
            if answer.status_code != 401:
                worked.append(f"a look-up with the password {password!r}: {answer.status_code}")
        guessed = evil.ask("POST", "/storage/users/user/lookup", user={"login": "ann", "password": STOLEN})
        if guessed.status_code != 401:
            worked.append(f"a look-up with a wrong password: {guessed.status_code}")
        yield f"of {asked + 3} requests about other people {len(worked)} worked"
        assert not worked, "; ".join(worked)
        shop.data("GET", f"/sso/sessions/{session}")
        assert server.log_in("ann").ok, "ann cannot log in any more"


if __name__ == "__main__":
    main(attack)
