"""nginx in front of `zato-sso serve`, as it is installed from packages, with the settings that docs/scaling.md has."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import requests
import trustme
from serving import Node, running
from support import ADDRESS, APP, PASSWORD, config_of, log_in, new_key, super_user
from tcp_proxy import proxy_to
from with_postgres import free_port
from zato_sso import SSO

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe ([a-z0-9-]+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
LOGIN = "/zato/sso/user/login"
SESSION = "/zato/sso/user/session"
KEY = new_key()
# The file that includes the one of the page, with folders of this run instead of those of the system.
AROUND = """\
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/sso.conf;
}}
"""


def recipe(name: str, places: dict[str, str]) -> str:
    """An example of the page, with other addresses and files."""
    text: str = RECIPES[name]
    for place, other in places.items():
        assert place in text, place
        text = text.replace(place, other)
    return text


@contextmanager
def node(folder: Path, database_url: str, **options: str) -> Iterator[Node]:
    """A node with the settings of the page."""
    made = Node(folder, database_url, KEY, options)
    listen = {"10.0.0.11:17010": f"127.0.0.1:{made.port}", "10.0.0.11:17011": f"127.0.0.1:{made.admin_port}"}
    made.settings = recipe("nginx-node", {**listen, "10.0.0.5": "127.0.0.1"})
    with running(made):
        yield made


@dataclass
class Front:
    """nginx, and a client of it."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def session(self) -> requests.Session:
        session = requests.Session()
        # Other authorities that the machine names would be trusted instead.
        session.trust_env = False
        session.verify = str(self.folder / "ca.pem")
        return session

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def errors(self) -> str:
        """What it found wrong."""
        return (self.folder / "error.log").read_text(encoding="utf-8")

    def log(self) -> list[str]:
        """What the log of requests has."""
        return (self.folder / "sso.log").read_text(encoding="utf-8").splitlines()


@contextmanager
def nginx(*nodes: str) -> Iterator[Front]:
    """Nginx in front of these addresses."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "sso.pem")
        port = free_port()
        places = {
            "listen 443": f"listen 127.0.0.1:{port}",
            "server_name sso.example.com": "server_name 127.0.0.1",
            "/etc/ssl/certs/sso.example.com.pem": f"{folder}/sso.pem",
            "/etc/ssl/private/sso.example.com.key": f"{folder}/sso.pem",
            "/var/log/nginx/sso.log": f"{folder}/sso.log",
            "10.0.0.11:17010": nodes[0],
            "10.0.0.12:17010": nodes[-1],
        }
        (folder / "sso.conf").write_text(recipe("nginx", places), encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user), encoding="utf-8")
        command = [NGINX, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
        done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with subprocess.Popen(command) as process:
            try:
                wait_for(port, process)
                yield Front(port, folder)
            finally:
                process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def sso(postgres_url: str) -> Iterator[SSO]:
    with SSO(config=config_of(postgres_url, KEY)) as sso:
        yield sso


def login_of(username: str) -> dict[str, str]:
    return {"username": username, "password": PASSWORD, "current_app": APP}


def address(url: str) -> str:
    return url.removeprefix("http://")


def test_the_client_is_the_one_that_nginx_saw_and_not_the_one_it_claims_to_be(
    sso: SSO, postgres_url: str, tmp_path: Path
) -> None:
    username = super_user(sso)
    with node(tmp_path / "node", postgres_url) as one, nginx(address(one.url)) as front:
        connection = HTTPSConnection("127.0.0.1", front.port, context=front.trust(), source_address=("127.0.0.2", 0))
        headers = {"X-Forwarded-For": "198.51.100.4", "Content-Type": "application/json"}
        connection.request("POST", LOGIN, json.dumps(login_of(username)), headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        (listed,) = sso.session.get_list("cid", answer["ust"], None, None, APP, ADDRESS)
        assert listed["remote_addr"] == "127.0.0.2"
        assert "proxy.untrusted" not in one.log()
        # A token in a query is in no log of nginx.
        with front.session() as client:
            assert client.get(f"{front.url}/zato/sso/user", params={"ust": answer["ust"]}).status_code == 200
            assert client.get(f"{front.url}/metrics").status_code == 404
        logged = "\n".join(front.log())
        assert "GET /zato/sso/user HTTP/1.1" in logged
        assert answer["ust"] not in logged
        assert answer["cid"] in logged


def test_connections_to_a_node_are_used_again(sso: SSO, postgres_url: str, tmp_path: Path) -> None:
    ust = log_in(sso, super_user(sso))
    with node(tmp_path / "node", postgres_url) as one, proxy_to(one.url) as counted, nginx(counted.address) as front:
        for _ in range(30):
            # Each client has a connection of its own.
            with front.session() as client:
                assert client.get(f"{front.url}/zato/sso/user", params={"ust": ust}).status_code == 200
        assert len(front.log()) == 30
        # Each of the two workers may have one for each of the two lines of the block.
        assert counted.accepted <= 4


def slow_login(connect: socket.socket, username: str) -> bytes:
    """The answer to a login that comes byte by byte."""
    body = json.dumps(login_of(username)).encode()
    head = f"POST {LOGIN} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with connect:
        connect.sendall(head.encode())
        answer = b""
        try:
            for start in range(0, len(body), 10):
                connect.sendall(body[start : start + 10])
                time.sleep(0.25)
        except ConnectionError:
            pass
        while data := connect.recv(65536):
            answer += data
    return answer.partition(b"\r\n")[0]


def test_a_client_that_sends_its_body_slowly_costs_a_node_nothing(sso: SSO, postgres_url: str, tmp_path: Path) -> None:
    username = super_user(sso)
    with (
        node(tmp_path / "node", postgres_url, HTTP__REQUEST_TIMEOUT="1 s") as one,
        nginx(address(one.url)) as front,
    ):
        direct = socket.create_connection(("127.0.0.1", one.port))
        assert slow_login(direct, username).split()[1] in {b"408", b"503"}
        through = socket.create_connection(("127.0.0.1", front.port))
        through = front.trust().wrap_socket(through, server_hostname="127.0.0.1")
        assert slow_login(through, username).split()[1] == b"200"


def test_a_body_that_is_too_large_is_refused(sso: SSO, postgres_url: str, tmp_path: Path) -> None:
    username = super_user(sso)
    with (
        node(tmp_path / "node", postgres_url) as one,
        nginx(address(one.url)) as front,
        front.session() as client,
    ):
        for size, kind in ((1_500_000, "application/json"), (3_000_000, "text/html")):
            elements = {**login_of(username), "remark": "a" * size}
            answer = client.post(front.url + LOGIN, json=elements)
            assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (413, kind)
        assert client.post(front.url + LOGIN, json=login_of(username)).status_code == 200


def test_an_absent_database_is_passed_on_as_503_with_retry_after(postgres_url: str, tmp_path: Path) -> None:
    with proxy_to(postgres_url) as database:
        with SSO(config=config_of(postgres_url, KEY)) as sso:
            username = super_user(sso)
        with (
            node(tmp_path / "node", database.url, DATABASE__CONNECT_TIMEOUT="1 s") as one,
            nginx(address(one.url)) as front,
            front.session() as client,
        ):
            assert client.post(front.url + LOGIN, json=login_of(username)).status_code == 200
            database.has_no_server = True
            database.cut()
            for _ in range(2):
                answer = client.post(front.url + LOGIN, json=login_of(username))
                assert (answer.status_code, answer.json()["sub_status"]) == (503, ["E008006"])
                assert int(answer.headers["Retry-After"]) > 0
            database.has_no_server = False
            # nginx did not take the node for one that is down.
            assert client.post(front.url + LOGIN, json=login_of(username)).status_code == 200


def nodes_that_answered(front: Front) -> set[str]:
    return {line.split()[-2].rstrip(",") for line in front.log()}


def test_two_nodes_share_sessions_and_their_ends(sso: SSO, postgres_url: str, tmp_path: Path) -> None:
    username = super_user(sso)
    with ExitStack() as kept:
        nodes = [kept.enter_context(node(tmp_path / name, postgres_url)) for name in ("a", "b")]
        front = kept.enter_context(nginx(*(address(one.url) for one in nodes)))
        client = kept.enter_context(front.session())
        for _ in range(6):
            ust = client.post(front.url + LOGIN, json=login_of(username)).json()["ust"]
            elements = {"target_ust": ust, "current_ust": ust, "current_app": APP}
            # On each node, and once more from its cache.
            for one in [*nodes, *nodes]:
                assert requests.get(one.url + SESSION, json=elements, timeout=10).status_code == 200
            statuses = {client.get(front.url + SESSION, json=elements).status_code for _ in range(4)}
            assert statuses == {200}
            assert client.post(f"{front.url}/zato/sso/user/logout", json=elements).status_code == 200
            # A node hears of what another one has done within a tenth of a second.
            time.sleep(0.1)
            for one in nodes:
                assert requests.get(one.url + SESSION, json=elements, timeout=10).status_code == 403
            assert client.get(front.url + SESSION, json=elements).status_code == 403
        assert nodes_that_answered(front) == {address(one.url) for one in nodes}


def test_a_node_that_cannot_serve_yet_gets_no_request(sso: SSO, postgres_url: str, tmp_path: Path) -> None:
    username = super_user(sso)
    with (
        proxy_to(postgres_url) as database,
        node(tmp_path / "a", postgres_url, LOGIN_THROTTLE__ENABLED="false") as one,
        node(tmp_path / "b", database.url, DATABASE__CONNECT_TIMEOUT="3 s") as other,
        nginx(address(one.url), address(other.url)) as front,
        front.session() as client,
    ):
        other.stop()
        database.is_frozen = True
        process = other.begin()
        while process.poll() is None:
            answer = client.post(front.url + LOGIN, json=login_of(username))
            assert answer.status_code == 200
            time.sleep(0.05)
        other.process = None
        assert process.returncode == 1


def test_nodes_are_restarted_one_after_the_other_without_a_failed_request(
    sso: SSO, postgres_url: str, tmp_path: Path
) -> None:
    usernames = [super_user(sso) for _ in range(3)]
    statuses: Counter[str] = Counter()
    over = threading.Event()

    def work(front: Front, username: str) -> None:
        with front.session() as client:
            while not over.wait(0.02):
                answer = client.post(front.url + LOGIN, json=login_of(username))
                statuses[f"login {answer.status_code}"] += 1
                if answer.ok:
                    ust = answer.json()["ust"]
                    answer = client.get(f"{front.url}/zato/sso/user", params={"ust": ust})
                    statuses[f"user {answer.status_code}"] += 1

    with ExitStack() as kept:
        drain = {"HTTP__DRAIN": "500 ms", "LOGIN_THROTTLE__ENABLED": "false"}
        nodes = [kept.enter_context(node(tmp_path / name, postgres_url, **drain)) for name in ("a", "b")]
        front = kept.enter_context(nginx(*(address(one.url) for one in nodes)))
        threads = [threading.Thread(target=work, args=(front, username)) for username in usernames]
        for thread in threads:
            thread.start()
        try:
            for one in nodes:
                time.sleep(3)
                one.stop()
                one.start()
            time.sleep(3)
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
        assert set(statuses) == {"login 200", "user 200"}, f"{statuses}\n{front.errors()}"
        assert min(statuses.values()) > 50, statuses
        assert nodes_that_answered(front) >= {address(one.url) for one in nodes}
