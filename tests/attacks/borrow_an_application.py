"""Naming an application that may say where its users are, so as to say that oneself."""

from __future__ import annotations

from collections.abc import Iterator

from target import PASSWORD, main, target


def attack(database_url: str | None) -> Iterator[str]:
    """A user who may log in from one address only says that this is where they are."""
    portal = {"all": ["CRM", "Portal"], "login_metadata_allowed": ["Portal"]}
    with target(database_url, apps=portal, user_address_list={"ann": ["192.0.2.1"]}) as server:
        ann = server.user(username="ann")
        elements = {"username": ann, "password": PASSWORD, "remote_addr": "192.0.2.1"}
        for how, headers, more in [
            ("as an element", {}, {"current_app": "Portal"}),
            ("in the header", {"X-Zato-SSO-Current-App": "Portal"}, {}),
            ("with an address in front", {"X-Forwarded-For": "192.0.2.1"}, {"current_app": "Portal"}),
        ]:
            answer = server.call("POST", "/user/login", {**elements, **more}, headers=headers)
            yield f"an application named {how}: {answer.json().get('sub_status')}"
            assert answer.status_code == 403, answer.text
            user = server.user()
            other = {"username": user, "password": PASSWORD, "user_agent": "theirs", **more}
            assert server.call("POST", "/user/login", other, headers=headers).json()["sub_status"] == ["E006001"]


if __name__ == "__main__":
    main(attack)
