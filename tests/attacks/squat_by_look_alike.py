"""Taking somebody's name, or a reserved one, by characters that are not seen or look the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from target import APP, PASSWORD, main, target

SQUATTED = {
    "in parts": unicodedata.normalize("NFD", "jürgen"),
    "capitals": "JÜRGEN",
    "full width": "\uff4aürgen",
    "a character that is not seen": "jür\u200bgen",
    "read backwards": "\u202ejürgen",
    "a filler": "jürgen\u3164",
    "a soft hyphen": "jür\u00adgen",
    "a variation selector": "jürgen\ufe0f",
    "a Cyrillic letter": "jürg\u0435n",
    "an Armenian letter": "jürge\u0578",
    "reserved, with a Cyrillic letter": "\u0430dmin",
    "reserved, full width": "\uff41dmin",
    "reserved, with a character that is not seen": "ad\u200bmin",
    "nothing to be seen": "\u200b\u200b\u200b",
    "a blank pattern": "\u2800\u2800",
}


def attack(database_url: str | None) -> Iterator[str]:
    """Signs up, and renames an account of one's own, with each of them."""
    apps = {"all": [APP], "signup_allowed": [APP]}
    with target(database_url, apps=apps) as server:
        server.user(username="jürgen", email="jürgen@bücher.example")
        own = server.user()
        ust = server.log_in(own).json()["ust"]
        for how, name in SQUATTED.items():
            elements = {"username": name, "password": PASSWORD, "app_list": [APP], "email": f"{len(how)}@example.com"}
            answer = server.call("POST", "/user/signup", {**elements, "current_app": APP})
            assert answer.json()["status"] == "error", f"signed up: {how}"
            answer = server.call("PATCH", "/user", {"ust": ust, "username": name, "current_app": APP})
            assert answer.json()["status"] == "error", f"renamed: {how}"
        yield f"{len(SQUATTED)} names were refused, at a sign-up and for an own account"
        for name in ("an\u202ena", "\u3164"):
            answer = server.call("PATCH", "/user", {"ust": ust, "display_name": name, "current_app": APP})
            assert answer.json()["status"] == "error", f"shown: {name!r}"
        yield "no display name has characters that are not seen"
        for number, email in enumerate(
            ("jürgen@xn--bcher-kva.example", "JU\u0308RGEN@bücher.example", "a@x.com,b@x.com")
        ):
            elements = {"username": f"other{number}", "password": PASSWORD, "app_list": [APP], "email": email}
            answer = server.call("POST", "/user/signup", {**elements, "current_app": APP})
            assert answer.json()["status"] == "error", f"signed up with {email}"
        yield "no other form of the address, and no two addresses, signed up"


if __name__ == "__main__":
    main(attack)
