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
        ann = shop.data("POST", "/storage/users", user={"login": "ann", "password": PASSWORD})["user"]
        anns = ann["identity"]["identity_token"]
        session = shop.data("PUT", f"/sso/sessions/identities/{anns}")["sso_session"]["sso_session_token"]
        victims = {"another site's user": (ann["user_token"], anns)}
        users = server.sso.user
        for who, create in [("a user of no site", users.create_user), ("a super-user", users.create_super_user)]:
            data = {"username": who.replace(" ", "-"), "password": PASSWORD}
            user_id = create("cid", data, require_super_user=False, auto_approve=True)
            (identity,) = server.sso.identity.get_list("cid", user_id)
            victims[who] = (identity["user_token"], identity["identity_token"])

        worked = []
        for who, (user, identity) in victims.items():
            for method, path in [
                ("GET", f"/users/{user}"),
                ("GET", f"/identities/{identity}"),
                ("PUT", f"/storage/users/{user}"),
                ("PUT", f"/sso/sessions/identities/{identity}"),
                ("GET", f"/sso/sessions/identities/{identity}"),
                ("DELETE", f"/sso/sessions/identities/{identity}"),
                ("GET", f"/sso/sessions/{session}"),
                ("DELETE", f"/sso/sessions/{session}"),
            ]:
                answer = evil.ask(method, path, user={"login": "evil", "password": STOLEN})
                if answer.status_code != 404:
                    worked.append(f"{method} {path.rsplit('/', 1)[0]} of {who}: {answer.status_code}")
        listed = evil.data("GET", "/users")["users"]["count"]
        if listed:
            worked.append(f"GET /users: {listed} users")
        guessed = evil.ask("POST", "/storage/users/user/lookup", user={"login": "ann", "password": STOLEN})
        if guessed.status_code != 401:
            worked.append(f"a look-up with a wrong password: {guessed.status_code}")
        yield f"of {8 * len(victims) + 2} requests about other people {len(worked)} worked"
        assert not worked, "; ".join(worked)
        shop.data("GET", f"/sso/sessions/{session}")
        assert server.log_in("ann").ok, "ann cannot log in any more"


if __name__ == "__main__":
    main(attack)
