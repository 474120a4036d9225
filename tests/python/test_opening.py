"""How an object is made: from a URL, a file or a dict; and what stands in the way."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support import FAST, AsyncSSO, Config, Counter, new_key, super_user
from zato_sso import SSO, BackendError

FILE = """
[database]
url = "sqlite:///{database}"
[hash_secret]
memory_kib = 64
iterations = 1
allow_weak = true
[audit]
file = "off"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test is in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(folder: Path) -> Path:
    """A configuration file."""
    path = folder / "sso.toml"
    path.write_text(FILE.format(database="from-file.db"))
    return path


@pytest.fixture(params=[SSO, AsyncSSO], ids=["blocking", "async"])
def tree(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Either class."""
    return request.param  # type: ignore[no-any-return]


def test_a_url_is_enough(folder: Path) -> None:
    with SSO("sqlite:///sso.db", config={"hash_secret": FAST, "audit": {"file": "off"}}) as sso:
        Counter.new(sso).bump()
    with SSO("sqlite:///sso.db"):
        pass
    assert stat.S_IMODE((folder / "sso.db.key").stat().st_mode) == 0o600


def test_without_a_url_it_is_the_file_in_this_folder(folder: Path) -> None:
    SSO().close()
    assert (folder / "sso.db").exists()


@pytest.mark.parametrize("given", [str, Path])
def test_a_file_may_be_named_in_either_way(file: Path, given: Callable[[Path], str | Path]) -> None:
    with SSO.from_config(given(file)) as sso:
        username = super_user(sso)
    with SSO(config=given(file)) as sso:
        assert sso.user.get_user_by_username("cid", username) is not None
    assert file.with_name("from-file.db").exists()


async def test_a_file_may_be_named_for_an_awaitable_object(file: Path) -> None:
    async with AsyncSSO.from_config(file) as sso:
        assert await sso.user.get_user_by_username("cid", "nobody") is None
    assert file.with_name("from-file.db").exists()


def test_arguments_win_over_the_environment_and_that_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SSO("sqlite:///argument.db", config=file).close()
    assert file.with_name("argument.db").exists()
    monkeypatch.setenv("ZATO_SSO_DATABASE_URL", "sqlite:///environment.db")
    SSO("sqlite:///argument-2.db", config=file).close()
    assert file.with_name("argument-2.db").exists()
    assert not file.with_name("environment.db").exists()
    SSO(config=file).close()
    assert file.with_name("environment.db").exists()
    assert not file.with_name("from-file.db").exists()


def test_a_variable_that_is_nearly_right_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZATO_SSO_DATABASE_URI", "ZATO_SSO_DATABASE_URLS"):
        with monkeypatch.context() as patched:
            patched.setenv(name, "sqlite:///environment.db")
            with pytest.raises(ValueError, match=f"{name}, the nearest known one is ZATO_SSO_DATABASE_URL"):
                SSO(config=file)
    assert not list(file.parent.glob("*.db"))
    (file.parent / "url").write_text("sqlite:///environment.db\n")
    monkeypatch.setenv("ZATO_SSO_DATABASE_URL_FILE", str(file.parent / "url"))
    SSO(config=file).close()
    assert file.with_name("environment.db").exists()


def test_a_key_may_be_given_by_itself(folder: Path) -> None:
    key = new_key()
    with SSO("sqlite:///sso.db", secret_key=key) as sso:
        sso.user.create_user("cid", {"username": "someone"}, require_super_user=False)
    with SSO("sqlite:///sso.db", config={"main": {"secret_key": key}}) as sso:
        assert sso.user.get_user_by_username("cid", "someone", needs_approved=False) is not None
    assert not (folder / "sso.db.key").exists()


@pytest.mark.parametrize(
    "config",
    [5, ["sso.toml"], {"main": {"site_name": object()}}, {5: {}}, {"main": {5: "x"}}],
    ids=["number", "list", "object", "section", "key"],
)
def test_what_is_no_configuration_is_a_type_error(tree: Any, config: Any) -> None:
    with pytest.raises(TypeError):
        tree(config=config)


def test_a_configuration_without_an_end_is_refused(tree: Any) -> None:
    endless: dict[str, Any] = {}
    endless["main"] = endless
    with pytest.raises(ValueError, match="nested too deeply"):
        tree(config=endless)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[database\n", "sso.toml"),
        ("[database]\nurll = 1\n", r"sso\.toml:2: .*urll.*database\.url"),
        ("[session]\n\nexpiry = -1\n", r"sso\.toml:3: session\.expiry"),
    ],
    ids=["syntax", "unknown key", "wrong value"],
)
def test_a_file_that_is_wrong_is_a_value_error_that_says_where(
    tree: Any,
    file: Path,
    text: str,
    problem: str,
) -> None:
    file.write_text(text)
    with pytest.raises(ValueError, match=problem) as raised:
        tree.from_config(file)
    assert "\n" not in str(raised.value)
    assert not file.with_name("sso.db").exists()


def test_a_file_that_is_not_there_is_a_value_error(tree: Any, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"missing\.toml"):
        tree.from_config(folder / "missing.toml")


def test_a_key_file_that_is_gone_is_not_made_anew(folder: Path) -> None:
    SSO("sqlite:///sso.db").close()
    key = folder / "sso.db.key"
    kept = key.rename(folder / "kept")
    with pytest.raises(ValueError, match=r"restore the file .*sso\.db\.key"):
        SSO("sqlite:///sso.db")
    assert not key.exists()
    kept.rename(key)
    SSO("sqlite:///sso.db").close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(folder: Path) -> None:
    path = folder / "sso.db"
    path.write_text("my diary\n" * 1000)
    with pytest.raises(BackendError, match="cannot open the database"):
        SSO("sqlite:///sso.db")
    assert path.read_text() == "my diary\n" * 1000


def test_a_database_of_a_later_version_is_refused_and_left_alone(config: Config) -> None:
    with SSO(config=config) as sso:
        username = super_user(sso)
    change_version(config, 1_000)
    for _ in range(2):
        with pytest.raises(BackendError, match=r"newer than version \d+ .* upgrade zato-sso"):
            SSO(config=config)
    change_version(config, -1_000)
    with SSO(config=config) as sso:
        assert sso.user.get_user_by_username("cid", username) is not None


def change_version(config: Config, by: int) -> None:
    """Moves the version that the database says it has. Nothing has it open."""
    url = str(config["database"]["url"])
    statement = f"UPDATE sso_schema_version SET version = version + {by}"  # noqa: S608
    if url.startswith("sqlite:"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(statement.encode())


def test_a_failed_object_leaves_nothing_open(config: Config) -> None:
    wrong = {**config, "main": {"secret_key": new_key()}}
    with SSO(config=config) as sso:
        for _ in range(5):
            with pytest.raises(ValueError, match="key"):
                SSO(config=wrong)
        Counter.new(sso).bump()


def test_the_representation_tells_the_database_and_no_secret(config: Config) -> None:
    url = str(config["database"]["url"])
    secret = str(config["main"]["secret_key"])
    for make in (SSO, AsyncSSO):
        sso = make(config=config)
        name = "zato_sso.SSO" if make is SSO else "zato_sso.aio.SSO"
        text = repr(sso)
        assert text.startswith(f"<{name} '{url.partition('://')[0]}://")
        assert text.endswith(", open>")
        assert secret not in text
        if make is SSO:
            sso.close()
            assert repr(sso) == text.replace(", open>", ", closed>")
    password = "postgresql://user:planted-password@127.0.0.1:1/none"
    text = repr(AsyncSSO(password, secret_key=secret))
    assert text == "<zato_sso.aio.SSO 'postgresql://user:***@127.0.0.1:1/none', open>"


async def test_the_representation_tells_that_an_awaited_object_is_closed(config: Config) -> None:
    async with AsyncSSO(config=config) as sso:
        assert repr(sso).endswith(", open>")
    assert repr(sso).endswith(", closed>")
