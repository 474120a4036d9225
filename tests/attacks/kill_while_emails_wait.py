"""Killing the server between the answer to a request and the email that it promised."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

from mailbox_of_attack import mailbox

from target import COMMAND, main, target


def attack(database_url: str | None) -> Iterator[str]:
    """A request, SIGKILL while no mail server is there, and another server on the same database."""
    with mailbox() as inbox, target(database_url, smtp={"url": "smtp://127.0.0.1:1"}) as server:
        username = server.user(email="ann@example.com")
        # It would send as well, by the server that is not there.
        server.sso.close()
        server.call("POST", "/password/reset", {"credential": username}).raise_for_status()
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(0.2)
        yield "killed after the answer"

        path = server.folder / "sso.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("smtp://127.0.0.1:1", inbox.url), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
        command = [COMMAND, "--config", str(path), "serve", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
            try:
                inbox.token("ann@example.com", patience=50)
            finally:
                process.terminate()
        yield "the email arrives after the restart"


if __name__ == "__main__":
    main(attack)
