"""The recipes of docs/moving.md: each runs as it stands, on what its system exports, and the users it moves log in."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support import ADDRESS, APP, connected
from zato_sso import SSO

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "moving.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe ([a-z0-9-]+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMAND = str(Path(sys.executable).with_name("zato-sso"))
PASSWORD = "correct horse battery staple"
SALT = "b23580e7343e5882eb31d59e9c52b765"
BCRYPT = "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"
FIREBASE = """hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
"""
DJANGO = """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.ScryptPasswordHasher"],
    USE_TZ=True,
)
django.setup()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("ZATO_SSO_DATABASE_URL", "ZATO_SSO_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def zoned(postgres_url: str) -> str:
    """A database of another system, whose sessions are in a zone of whole hours."""
    with connected(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'Europe/Warsaw'")
    return postgres_url


def recipe(name: str, folder: Path, **environment: str) -> None:
    """Runs the recipe, with the programs in the folder before all others."""
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-euc", RECIPES[name]],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{name}\n{done.stdout}{done.stderr}"


def program(folder: Path, name: str, output: str) -> None:
    """A program that says what the other system's would."""
    (folder / f"{name}.out").write_text(output)
    (folder / name).write_text(f'#!/bin/sh\ncat "{folder}/{name}.out"\n')
    (folder / name).chmod(0o755)


def moved(folder: Path, file: str, count: int, *options: str) -> SSO:
    """Imports a file as the page says, on a copy first."""
    format_ = Path(file).suffix.removeprefix(".")
    for url in ("sqlite:///rehearsal.db", "sqlite:///sso.db"):
        before = [COMMAND, "--database-url", url]
        subprocess.run([*before, "migrate"], cwd=folder, check=True, capture_output=True)
        for more in (["--dry-run"], []):
            line = [*before, "--json", "import", "users", "--format", format_, file, *options, *more]
            done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
            assert json.loads(done.stdout)["imported"] == count
    return SSO("sqlite:///sso.db")


def log_in(sso: SSO, username: str, password: str) -> None:
    for _ in range(2):
        sso.user.login("cid", username, password, APP, ADDRESS)


def test_django(folder: Path) -> None:
    prepare = f"""{DJANGO}
from django.core.management import call_command
from django.contrib.auth.models import User
call_command("migrate", verbosity=0)
User.objects.create_user("ann", "ann@example.com", {PASSWORD!r}, first_name="Ann")
User.objects.create_superuser("boss", "boss@example.com", {PASSWORD!r})
User.objects.create_user("nobody")
"""
    for text in (prepare, DJANGO + RECIPES["django"]):
        done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ImportSummary(read=3, imported=3, "), done.stdout
    with SSO("sqlite:///sso.db") as sso:
        log_in(sso, "ann", PASSWORD)
        boss = sso.user.get_user_by_username("cid", "boss")
        assert boss is not None
        assert boss.is_super_user


def test_django_with_psql_in_a_zone_of_whole_hours(folder: Path, zoned: str) -> None:
    digest = base64.b64encode(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"seasalt", 1000)).decode()
    with connected(zoned, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE auth_user (id int, username text, password text, email text, first_name text, last_name text,"
            " is_superuser bool, is_active bool, date_joined timestamptz)"
        )
        connection.execute(
            "INSERT INTO auth_user VALUES (1, 'ann', %s, 'ann@example.com', 'Ann', '', false, true,"
            " '2026-11-27 14:16:28.181969+00'), (2, 'bob', '!x', '', '', '', true, false, '2026-07-01 12:00:00+00')",
            [f"pbkdf2_sha256$1000$seasalt${digest}"],
        )
    recipe("django-psql", folder, DJANGO_URL=zoned)
    assert "14:16:28.181969+00" not in (folder / "users.csv").read_text()
    with moved(folder, "users.csv", 2) as sso:
        log_in(sso, "ann", PASSWORD)
        ann, bob = (sso.user.get_user_by_username("cid", name) for name in ("ann", "bob"))
        assert ann is not None
        assert bob is not None
        assert str(ann.sign_up_time) == "2026-11-27 14:16:28.181969"
        assert str(bob.sign_up_time) == "2026-07-01 12:00:00"
        assert bob.is_locked


def test_keycloak(folder: Path) -> None:
    digest = base64.b64encode(hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), b"salt", 1000, 64)).decode()
    credential = {
        "id": "1",
        "type": "password",
        "createdDate": 1,
        "secretData": json.dumps({"value": digest, "salt": base64.b64encode(b"salt").decode()}),
        "credentialData": json.dumps({"hashIterations": 1000, "algorithm": "pbkdf2-sha512"}),
    }
    users = [
        {
            "id": "u1",
            "username": "ann",
            "email": "ann@example.com",
            "firstName": "Ann",
            "lastName": "Lee",
            "enabled": True,
            "createdTimestamp": 1764252988181,
            "credentials": [{"type": "otp"}, credential],
            "attributes": {"city": ["Rome"]},
        },
        {"id": "u2", "username": "fed", "enabled": False, "createdTimestamp": 1764252988181},
    ]
    (folder / "export").mkdir()
    (folder / "export" / "shop-users-0.json").write_text(json.dumps({"realm": "shop", "users": users}))
    recipe("keycloak", folder)
    with moved(folder, "users.jsonl", 2) as sso:
        log_in(sso, "ann", PASSWORD)


def test_wordpress(folder: Path) -> None:
    header = "user_login,user_pass,user_email,display_name,user_registered\n"
    new = "$wp$2y$04$daLajCvzx93oRi4IjCO4Wu0lGfQpsFfMmoI4VKmnQenKJIqyAk1F."
    old = "$P$58Z13/P5ZFm.gAgVBpgvA6QperH5OK0"
    ann = f'ann,{new},ann@example.com,"Ann, Dr.","2026-11-27 14:16:28"\n'
    bob = f'bob,{old},bob@example.com,Bob,"2020-01-01 00:00:00"\n'
    program(folder, "wp", header + ann + bob)
    recipe("wordpress", folder)
    with moved(folder, "users.csv", 2) as sso:
        for name in ("ann", "bob"):
            log_in(sso, name, "correct horse")


def test_firebase(folder: Path) -> None:
    password = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    users = [
        {
            "localId": "a1",
            "email": "ann@example.com",
            "emailVerified": True,
            "displayName": "Ann",
            "passwordHash": password,
            "salt": "42xEC+ixf3L2lw==",
            "createdAt": "1764252988181",
            "disabled": False,
        },
        {"localId": "b2", "phoneNumber": "+48123", "createdAt": "1764252988181"},
    ]
    (folder / "firebase.json").write_text(json.dumps({"users": users}))
    (folder / "firebase-params.txt").write_text(FIREBASE)
    recipe("firebase", folder)
    with moved(folder, "users.jsonl", 2, "--firebase-params", "firebase-params.txt") as sso:
        log_in(sso, "ann@example.com", "user1password")


def test_auth0(folder: Path) -> None:
    user = {
        "_id": {"$oid": "60425dc43519d90068f82973"},
        "email_verified": False,
        "email": "ann@example.com",
        "passwordHash": BCRYPT,
        "password_set_date": {"$date": "2021-03-05T16:35:16.775Z"},
        "tenant": "shop",
        "connection": "Username-Password-Authentication",
    }
    (folder / "auth0.jsonl").write_text(json.dumps(user) + "\n")
    recipe("auth0", folder)
    with moved(folder, "users.jsonl", 1) as sso:
        log_in(sso, "ann@example.com", "U*U*U")


def test_cognito(folder: Path) -> None:
    attributes = [{"Name": "sub", "Value": "s1"}, {"Name": "email", "Value": "ann@example.com"}]
    user = {"Username": "ann", "Attributes": attributes, "Enabled": True, "UserStatus": "CONFIRMED"}
    times = ["2026-11-27T15:16:28.181000+01:00", 1764252988.181]
    users = [{**user, "Username": f"ann{number}", "UserCreateDate": time} for number, time in enumerate(times)]
    program(folder, "aws", json.dumps({"Users": users}))
    recipe("cognito", folder, POOL="eu-central-1_x")
    with moved(folder, "users.jsonl", 2) as sso:
        ann = sso.user.get_user_by_username("cid", "ann0")
        assert ann is not None
        assert ann.email == "ann@example.com"
        assert not ann.password_is_set


def test_asp_net(folder: Path, zoned: str) -> None:
    salt = bytes(range(16))
    header = b"\x01" + struct.pack(">III", 2, 1000, len(salt)) + salt
    stored = base64.b64encode(header + hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, 1000, 32)).decode()
    with connected(zoned, autocommit=True) as connection:
        connection.execute(
            'CREATE TABLE "AspNetUsers" ("Id" text, "UserName" text, "Email" text, "PasswordHash" text,'
            ' "LockoutEnd" timestamptz)'
        )
        connection.execute("INSERT INTO \"AspNetUsers\" VALUES ('1', 'ann', 'ann@example.com', %s, NULL)", [stored])
    recipe("asp-net", folder, IDENTITY_URL=zoned)
    with moved(folder, "users.csv", 1) as sso:
        log_in(sso, "ann", PASSWORD)


def test_better_auth(folder: Path, zoned: str) -> None:
    key = hashlib.scrypt(PASSWORD.encode(), salt=SALT.encode(), n=16384, r=16, p=1, dklen=64, maxmem=1 << 27)
    with connected(zoned, autocommit=True) as connection:
        connection.execute('CREATE TABLE "user" (id text, name text, email text, "createdAt" timestamptz)')
        connection.execute('CREATE TABLE account ("userId" text, "providerId" text, password text)')
        connection.execute("INSERT INTO \"user\" VALUES ('1', 'Ann', 'ann@example.com', now())")
        connection.execute("INSERT INTO account VALUES ('1', 'credential', %s)", [f"{SALT}:{key.hex()}"])
    recipe("better-auth", folder, AUTH_URL=zoned)
    with moved(folder, "users.csv", 1) as sso:
        log_in(sso, "ann@example.com", PASSWORD)


def test_another_system(folder: Path) -> None:
    digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"saltsalt", 1000).hex()
    with closing(sqlite3.connect("app.db")) as connection, connection:
        connection.execute("CREATE TABLE account (login TEXT, pwhash TEXT, mail TEXT)")
        row = ("ann", f"pbkdf2:sha256:1000$saltsalt${digest}", "ann@example.com")
        connection.execute("INSERT INTO account VALUES (?, ?, ?)", row)
    recipe("sqlite", folder)
    with moved(folder, "users.csv", 1) as sso:
        log_in(sso, "ann", PASSWORD)


def test_every_recipe_has_its_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    named = set(re.findall(r'(?:recipe\(|RECIPES\[)"([a-z0-9-]+)"', tests)) | {"django"}
    # One of each engine.
    named |= {f"{name}-{engine}" for name in ("backup", "restore") for engine in ("sqlite", "postgresql")}
    found: set[str] = set()
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        found |= set(re.findall(r"<!-- recipe ([a-z0-9-]+) -->", text))
        assert "not run -->" not in text, page
    assert found == named
