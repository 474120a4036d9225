"""What docs/operations.md tells operators to do, done as it stands there: upgrades, failover, services, alerts."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import with_postgres
from serving import COMMAND, Node, log_in, running
from support import FAST, PASSWORD, connected, new_key
from tcp_proxy import proxy_to
from test_database import REPLICATED, standby_of
from with_postgres import find_programs
from zato_sso import status_code

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe ([a-z0-9-]+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
MIGRATIONS = ROOT / "src" / "store" / "migrations"
VERSIONS = {
    "sqlite": "CREATE TABLE sso_schema_version (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on "
    "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time "
    "BIGINT NOT NULL)",
    "postgres": "CREATE TABLE sso_schema_version (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on "
    "TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT "
    "NULL)",
}
# A user of an earlier version, without anything.
OLDER = (
    "INSERT INTO sso_user (user_id, user_token, username, email_is_claimed, is_active, is_internal, is_super_user, "
    "is_locked, sign_up_status, sign_up_time, approval_status, approval_status_mod_time, password_must_change, "
    "is_totp_enabled, totp_last_step, is_rate_limit_active, rate_limit_check_parent_def) VALUES ('zusrolder', {token}, "
    "'older', FALSE, TRUE, FALSE, FALSE, FALSE, 'final', 1, 'approved', 1, FALSE, FALSE, 0, FALSE, FALSE)"
)


def recipe(name: str, node: Node, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs an example of the page in the folder of a node."""
    node.folder.mkdir(exist_ok=True)
    environment = {**node.environment(), **more}
    environment["PATH"] = f"{find_programs()}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["sh", "-euc", RECIPES[name]],
        cwd=node.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def command(node: Node, *arguments: str) -> str:
    node.folder.mkdir(exist_ok=True)
    environment = {**node.environment(), "ZATO_SSO_PASSWORD": PASSWORD}
    done = subprocess.run(
        [COMMAND, *arguments], cwd=node.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_older(empty_url: str, version: int) -> None:
    """A database as an earlier version left it, with one user."""
    engine = "sqlite" if empty_url.startswith("sqlite") else "postgres"
    files = [path.read_text(encoding="utf-8") for path in sorted((MIGRATIONS / engine).glob("*.sql"))[:version]]
    rows = [(number, "", True, hashlib.sha384(text.encode()).digest(), 1) for number, text in enumerate(files, start=1)]
    insert = "INSERT INTO sso_schema_version (version, description, success, checksum, execution_time) VALUES "
    if engine == "sqlite":
        with closing(sqlite3.connect(empty_url.removeprefix("sqlite:///"))) as database:
            # Older ones than the product's do not have it.
            database.create_function("unhex", 1, bytes.fromhex, deterministic=True)
            database.executescript("\n".join([VERSIONS[engine] + ";", *files, OLDER.format(token="zeroblob(16)")]))
            database.executemany(insert + "(?, ?, ?, ?, ?)", rows)
            database.commit()
        return
    with connected(empty_url, autocommit=True) as server:
        for text in (VERSIONS[engine], *files, OLDER.format(token="gen_random_uuid()")):
            server.execute(text.encode())
        for row in rows:
            server.execute((insert + "(%s, %s, %s, %s, %s)").encode(), row)


@pytest.mark.parametrize("version", [2, 4])
def test_an_upgrade(version: int, empty_url: str, tmp_path: Path) -> None:
    latest = len(list((MIGRATIONS / "sqlite").glob("*.sql")))
    make_older(empty_url, version)
    node = Node(tmp_path / "node", empty_url, new_key())
    node.folder.mkdir()
    if empty_url.startswith("sqlite"):
        # The backup is made by the new program, and is still of the earlier version.
        command(node, "backup", "before.db")
        with closing(sqlite3.connect(node.folder / "before.db")) as copy:
            assert copy.execute("SELECT MAX(version) FROM sso_schema_version").fetchone() == (version,)
    done = recipe("upgrade", node)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    if version < latest:
        assert f"has version {version}, the latest is version {latest}" in done.stdout
        assert f"from version {version} to version {latest}" in done.stdout
    again = recipe("upgrade", node)
    assert again.returncode == 0
    assert "is up to date" in again.stdout
    command(node, "change-user-password", "older")
    with running(node):
        assert log_in(node.url, "older", PASSWORD).status_code == 200


def test_the_way_back_to_an_earlier_version(tmp_path: Path) -> None:
    node = Node(tmp_path / "node", "sqlite:///sso.db", new_key())
    command(node, "create-user", "ann")
    command(node, "backup", "sso-copy.db")
    command(node, "create-user", "later")
    with closing(sqlite3.connect(node.folder / "sso.db")) as database:
        # As a version would leave it that is newer than this one.
        row = "INSERT INTO sso_schema_version (version, description, success, checksum, execution_time) VALUES "
        database.execute(row + "(999, '', TRUE, x'00', 1)")
        database.commit()
    done = recipe("upgrade", node)
    assert done.returncode == 1
    assert "upgrade zato-sso" in done.stderr
    done = recipe("back", node)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert [user["username"] for user in json.loads(command(node, "--json", "list-users"))] == ["ann"]


def test_nodes_follow_a_failover(tmp_path: Path) -> None:
    with with_postgres.running_server(REPLICATED) as primary, tempfile.TemporaryDirectory() as folder:
        hosts = [urlsplit(primary.url).netloc.rpartition("@")[2]]
        first = Node(tmp_path / "first", primary.url, new_key())
        command(first, "create-user", "ann")
        with standby_of(primary, Path(folder)) as standby:
            hosts.append(urlsplit(standby.url).netloc.rpartition("@")[2])
            text = RECIPES["failover-url"]
            places = {
                "db1.example.com": hosts[0],
                "db2.example.com": hosts[1],
                "sso:secret@": "postgres@",
                "/sso?sslmode=verify-full": "/postgres",
            }
            for place, other in places.items():
                assert place in text
                text = text.replace(place, other)
            url = shlex.split(text)[1].partition("=")[2]
            node = Node(tmp_path / "node", url, first.key, {"DATABASE__CONNECT_TIMEOUT": "2 s"})
            with running(node):
                assert log_in(node.url, "ann", PASSWORD).status_code == 200
                primary.stop()
                answer = log_in(node.url, "ann", PASSWORD)
                assert (answer.status_code, answer.json()["sub_status"]) == (503, ["E008006"])
                assert requests.get(f"{node.url}/health/ready", timeout=20).status_code == 503
                done = recipe("failover", node, STANDBY_URL=standby.url)
                assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
                assert log_in(node.url, "ann", PASSWORD).status_code == 200
                assert requests.get(f"{node.url}/health/ready", timeout=20).status_code == 200
                events = [json.loads(line).get("event") for line in node.log().splitlines() if line.startswith("{")]
                assert "ready.not" in events
                assert "ready.again" in events


def test_the_doctor_says_of_a_new_database_what_the_page_shows(tmp_path: Path) -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
    said = [
        subprocess.run([COMMAND, name], cwd=tmp_path, env=others, capture_output=True, text=True, check=True).stdout
        for name in ("init", "doctor")
    ]
    time_of = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+")
    assert time_of.sub("", said[1]) == time_of.sub("", RECIPES["doctor"])


def unit() -> dict[str, list[str]]:
    """The settings of the service."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", RECIPES["systemd"], re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = RECIPES["systemd"]
    assert text.count("/usr/local/bin/zato-sso") == 1
    path = tmp_path / "zato-sso.service"
    path.write_text(text.replace("/usr/local/bin/zato-sso", COMMAND), encoding="utf-8")
    check = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    of_this = [line for line in (done.stdout + done.stderr).splitlines() if "zato-sso.service" in line]
    assert (done.returncode, of_this) == (0, []), done.stderr


def test_the_service_starts_reloads_and_stops_as_its_unit_says(tmp_path: Path) -> None:
    settings = unit()
    folder = tmp_path / "state"
    folder.mkdir(mode=int(settings["StateDirectoryMode"][0], 8))
    options = {"AUDIT__FILE": "audit.jsonl", "LOG__FILE": "sso.log", "DATABASE_URL": "", "SECRET_KEY": ""}
    node = Node(folder, "", "", options)
    environment = {name: value for name, value in node.environment().items() if value}
    for arguments in (["init"], ["create-super-user", "admin1"]):
        more = {**environment, "ZATO_SSO_PASSWORD": PASSWORD}
        subprocess.run([COMMAND, *arguments], cwd=folder, env=more, check=True, capture_output=True)
    words = shlex.split(settings["ExecStart"][0])
    assert words[0] == "/usr/local/bin/zato-sso"
    limits = (
        f"umask {settings['UMask'][0]}; ulimit -c {settings['LimitCORE'][0]}; ulimit -n {settings['LimitNOFILE'][0]}"
    )
    line = f'{limits}; exec "$@"'
    process = subprocess.Popen(["sh", "-c", line, "sh", COMMAND, *words[1:]], cwd=folder, env=environment)
    try:
        deadline = time.monotonic() + 30
        while not node.is_ready():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert log_in(node.url, "admin1", PASSWORD).status_code == 200
        for name in ("audit.jsonl", "sso.log"):
            (folder / name).rename(folder / f"{name}.1")
        reload = settings["ExecReload"][0].replace("$MAINPID", str(process.pid))
        subprocess.run(shlex.split(reload), check=True)
        while not (folder / "audit.jsonl").exists() or not (folder / "sso.log").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert log_in(node.url, "admin1", PASSWORD).status_code == 200
        assert "user.login" in (folder / "audit.jsonl").read_text(encoding="utf-8")
        process.send_signal(signal.SIGTERM)
        assert process.wait(int(settings["TimeoutStopSec"][0])) == 0
    finally:
        process.kill()
        process.wait()
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes


def test_the_container_serves_as_its_file_says(postgres_url: str, tmp_path: Path) -> None:
    text = RECIPES["dockerfile"]
    variables = dict(re.findall(r"^ENV (\w+)=(.*)$", text, re.MULTILINE))
    words = json.loads(re.findall(r"^CMD (.*)$", text, re.MULTILINE)[0])
    node = Node(tmp_path / "data", "", "")
    node.folder.mkdir()
    secrets = {"database-url": postgres_url, "secret-key": new_key()}
    for name, value in secrets.items():
        (tmp_path / name).write_text(value + "\n", encoding="utf-8")
    places = {
        "/run/secrets": str(tmp_path),
        "0.0.0.0:17010": f"0.0.0.0:{node.port}",
        "0.0.0.0:17011": f"0.0.0.0:{node.admin_port}",
    }
    for place, other in places.items():
        variables = {name: value.replace(place, other) for name, value in variables.items()}
    hashing = {f"ZATO_SSO_HASH_SECRET__{name.upper()}": str(value).lower() for name, value in FAST.items()}
    environment = {**hashing, **variables, "PATH": f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"}
    run = {"cwd": node.folder, "env": environment}
    job = [words[0], "create-super-user", "admin1", "--if-missing"]
    jobs = [subprocess.Popen(job, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **run) for _ in range(2)]  # type: ignore[call-overload]
    for one in jobs:
        one.communicate(f"{PASSWORD}\n".encode())
        assert one.returncode == 0
    # Nothing is written where it is.
    node.folder.chmod(0o555)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, **run)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 30
        while not node.is_ready():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert log_in(node.url, "admin1", PASSWORD).status_code == 200
        assert requests.get(f"http://127.0.0.1:{node.admin_port}/metrics", timeout=5).status_code == 200
        assert requests.get(f"{node.url}/metrics", timeout=5).status_code == 404
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert list(node.folder.iterdir()) == []


@dataclass
class Metrics:
    """What a server tells Prometheus: each name, and each value of each of its labels."""

    names: set[str] = field(default_factory=set)
    labels: set[tuple[str, str, str]] = field(default_factory=set)

    @staticmethod
    def of(text: str) -> Metrics:
        found = Metrics()
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
            found.names.add(name)
            found.labels |= {(name, label, value) for label, value in re.findall(r'(\w+)="([^"]*)"', labels)}
        return found


def test_alerts_ask_for_what_is_measured(postgres_url: str, tmp_path: Path) -> None:
    assert "http.admin_listen" in PAGE
    assert ":17011" in RECIPES["prometheus"]
    with proxy_to(postgres_url) as database:
        node = Node(tmp_path / "node", database.url, new_key(), {"DATABASE__CONNECT_TIMEOUT": "1 s"})
        command(node, "create-user", "ann")
        with running(node):
            assert log_in(node.url, "ann", PASSWORD).status_code == 200
            assert log_in(node.url, "ann", "wrong").status_code == 403
            database.has_no_server = True
            database.cut()
            assert log_in(node.url, "ann", PASSWORD).status_code == 503
            text = requests.get(f"http://127.0.0.1:{node.admin_port}/metrics", timeout=5).text
    found = Metrics.of(text)
    asked = re.findall(r"\b(\w+)(?:\{([^}]*)\})?", "\n".join(re.findall(r"zato_sso_[^)]*", RECIPES["alerts"])))
    names = {(name, labels) for name, labels in asked if name.startswith("zato_sso_")}
    assert len(names) == 7
    groups = [group for group in vars(status_code).values() if isinstance(group, type)]
    codes = {code for group in groups for code in vars(group).values() if isinstance(code, str)}
    for name, labels in names:
        assert name in found.names, name
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            # What cannot be caused here has at least a label of that name.
            if value in {"500", "E008005"}:
                assert any(one[:2] == (name, label) for one in found.labels)
                assert value == "500" or value in codes
            else:
                assert (name, label, value) in found.labels
