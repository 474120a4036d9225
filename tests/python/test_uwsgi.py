"""uWSGI as it is by default: it loads the application, then forks in C. With `lazy-apps` each worker loads its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from support import APP, Config, changed, super_user
from test_fork import is_on_a_file
from zato_sso import SSO

UWSGI = str(Path(sys.executable).with_name("uwsgi"))
APPLICATION = """
import json
import os
import sys
from zato_sso import SSO

sso = SSO(config=json.loads(os.environ["CONFIG"]))
# Connections are open before the fork.
sso.user.get_user_by_username("cid", "nobody")


def application(environ, start_response):
    name = environ["QUERY_STRING"]
    try:
        user = sso.user.get_user_by_username("cid", name)
        status, body = "200 OK", user.username if user else ""
    except Exception as error:
        status, body = "500 Error", f"{type(error).__name__} {error}"
    start_response(status, [("Content-Type", "text/plain"), ("X-Process", str(os.getpid()))])
    return [body.encode()]
"""


@contextmanager
def uwsgi(config: Config, folder: Path, *options: str) -> Iterator[str]:
    """A uWSGI server with four workers, and its address; it ends promptly when it is told to."""
    assert Path(UWSGI).exists(), "pip install --group dev installs uWSGI"
    (folder / "app.py").write_text(APPLICATION, encoding="utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [UWSGI, "--http-socket", f"127.0.0.1:{port}", "--wsgi-file", "app.py", "--master", "--die-on-term"]
    command += ["--processes", "4", "--virtualenv", sys.prefix, "--disable-logging", *options]
    environment = {**os.environ, "CONFIG": json.dumps(config)}
    log = folder / "uwsgi.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(url, timeout=5)
                break
            except requests.ConnectionError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield url
        process.terminate()
        process.wait(20)
    finally:
        process.kill()
        process.wait()


def ask_often(url: str, names: list[str], rounds: int) -> tuple[Counter[str], set[str]]:
    """Asks for each name in a thread of its own; what came, and from how many processes."""
    processes = set()

    def ask(name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for _ in range(rounds):
            answer = requests.get(url, params=name, timeout=10)
            processes.add(answer.headers["X-Process"])
            right = answer.status_code == 200 and answer.text == name
            found["right" if right else f"{answer.status_code} {answer.text}"] += 1
        return found

    with ThreadPoolExecutor(len(names)) as pool:
        return sum(pool.map(ask, names), Counter()), processes


@pytest.mark.parametrize("options", [[], ["--enable-threads", "--threads", "3"], ["--py-call-osafterfork"]], ids=str)
def test_without_lazy_apps_no_worker_gets_an_answer_of_another(
    config: Config, tmp_path: Path, options: list[str]
) -> None:
    config = changed(config, apps={"signup_allowed": [APP]})
    with SSO(config=config) as sso:
        names = [super_user(sso) for _ in range(4)]
    with uwsgi(config, tmp_path, *options) as url:
        found, processes = ask_often(url, names, 40)
    assert len(processes) > 1
    if is_on_a_file(config):
        assert len(found) == 1, found
        assert "lazy-apps" in next(iter(found)), found
    else:
        assert found == {"right": 160}


def test_with_lazy_apps_both_databases_work(config: Config, tmp_path: Path) -> None:
    with SSO(config=config) as sso:
        names = [super_user(sso) for _ in range(4)]
    with uwsgi(config, tmp_path, "--lazy-apps") as url:
        found, processes = ask_often(url, names, 40)
    assert len(processes) > 1
    assert found == {"right": 160}
