"""A process with an object on a database, which does what it is told: a JSON line a call, and one back."""

from __future__ import annotations

import json
import sys
from typing import Any

from support import ADDRESS, APP, PASSWORD
from zato_sso import SSO, ValidationError

# Calls that need no super-user when they come from the same process.
TRUSTED: dict[str, Any] = {"require_super_user": False, "current_app": APP}


class Worker:
    """What can be asked of it. Whatever is refused is answered by its code."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.sso = SSO(config=config)

    def login(self, username: str) -> str:
        return self.sso.user.login("cid", username, PASSWORD, APP, ADDRESS).ust

    def create(self, username: str) -> str:
        data = {"username": username, "password": PASSWORD}
        return self.sso.user.create_user("cid", data, auto_approve=True, **TRUSTED)

    def verify(self, ust: str, root: str) -> bool:
        return self.sso.session.verify("cid", ust, root, APP, ADDRESS)

    def user(self, ust: str) -> list[str | None]:
        user = self.sso.user.get_current_user("cid", ust, APP, ADDRESS)
        return [user.username, user.display_name]

    def session(self, ust: str) -> str:
        return self.sso.session.get_current_session("cid", ust, APP, ADDRESS).expiration_time.isoformat()

    def rename(self, ust: str, name: str) -> None:
        self.sso.user.update_current_user("cid", {"display_name": name}, ust, APP, ADDRESS)

    def renew(self, ust: str) -> str:
        return self.sso.session.renew("cid", ust, APP, ADDRESS).isoformat()

    def logout(self, ust: str) -> None:
        self.sso.user.logout("cid", ust, APP, ADDRESS)

    def lock(self, user_id: str) -> None:
        self.sso.user.lock_user("cid", user_id, **TRUSTED)

    def unlock(self, user_id: str) -> None:
        self.sso.user.unlock_user("cid", user_id, **TRUSTED)

    def reject(self, user_id: str, root: str) -> None:
        self.sso.user.reject_user("cid", user_id, root, APP, ADDRESS)

    def approve(self, user_id: str, root: str) -> None:
        self.sso.user.approve_user("cid", user_id, root, APP, ADDRESS)

    def delete(self, user_id: str, root: str) -> None:
        self.sso.user.delete_user_by_id("cid", user_id, root, APP, ADDRESS)

    def flicker(self, user_id: str) -> None:
        """Locks and unlocks until it is killed."""
        while True:
            self.lock(user_id)
            self.unlock(user_id)


def main() -> None:
    worker = Worker(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = getattr(worker, name)(*arguments)
        except ValidationError as error:
            answer = error.sub_status
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
