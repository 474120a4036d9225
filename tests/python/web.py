"""What the tests of adapters share: an object for a web application, and people in it."""

from __future__ import annotations

import re
import time
from typing import Any

from inbox import Inbox, text_of
from support import ADDRESS, PASSWORD, Config, changed, config_of, new_key, unique
from zato_sso import SSO

PROBLEM = "application/problem+json"
SITE = {"Origin": "http://testserver"}


def web_config(database_url: str, mail: Inbox | None = None) -> Config:
    """Configuration for an application that is in development."""
    config = changed(
        config_of(database_url, new_key()),
        apps={"signup_allowed": ["default"], "all": ["default"], "default": "default"},
    )
    return config if mail is None else changed(config, smtp={"url": mail.url})


def add_user(sso: SSO, *, is_super_user: bool = False, **data: Any) -> str:
    """A user who may log in; the username."""
    everything = {"username": unique("user"), "password": PASSWORD, **data}
    create = sso.user.create_super_user if is_super_user else sso.user.create_user
    create("cid", everything, None, None, ADDRESS, require_super_user=False, auto_approve=True)
    return str(everything["username"])


def token_to(mail: Inbox, address: str, number: int = 1) -> str:
    """The token of an email to an address, counting those that have one: in a link, or on a line of its own."""
    for _ in range(400):
        texts = [text_of(message) for message in mail.to(address)]
        found = re.findall(r"[?&#]token=([\w-]{20,})|^([\w-]{20,})$", "\n".join(texts), re.MULTILINE)
        if len(found) >= number:
            return str(found[number - 1][0] or found[number - 1][1])
        time.sleep(0.05)
    raise AssertionError(f"no token to {address}: {texts}")
