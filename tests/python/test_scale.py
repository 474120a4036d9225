"""The databases that scale is measured on are the product's, and the benchmark works; its figures are not looked at."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ADDRESS, APP
from zato_sso import SSO, SearchCtx

ROOT = Path(__file__).resolve().parents[2]
BENCHES = str(ROOT / "benches")


@pytest.fixture
def benches() -> Iterator[None]:
    """Have the benchmarks among what can be imported."""
    sys.path.insert(0, BENCHES)
    with contextlib.suppress(ValueError):
        yield
        sys.path.remove(BENCHES)


@pytest.mark.usefixtures("postgres_server_url")
def test_the_benchmark_works() -> None:
    command = [sys.executable, str(ROOT / "benches" / "scale.py"), "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for kind in ("SQLite", "PostgreSQL"):
        costs = ("session.verify", "session.renew", "login", "page 1", "part of a name, many", "clean-up")
        for what in (*costs, "everybody", "a part that few have"):
            assert f"{what}, {kind}" in done.stdout


@pytest.mark.usefixtures("benches", "postgres_server_url")
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_what_is_generated_is_what_the_product_would_have_stored(kind: str, tmp_path: Path) -> None:
    import scale_data

    size = scale_data.Size(60, 120)
    with scale_data.database(kind, size, tmp_path / "data") as made, SSO(config=made.config()) as sso:
        admin = sso.user.login("cid", scale_data.ADMIN, scale_data.PASSWORD, APP, ADDRESS).ust
        for session in range(size.sessions):
            user = size.user_of(session)
            is_valid = sso.user.session.verify("cid", size.token(session), admin, APP, ADDRESS)
            assert is_valid == scale_data.may_log_in(user)
        for user in (0, 59):
            ust = sso.user.login("cid", scale_data.username(user), scale_data.PASSWORD, APP, ADDRESS).ust
            first, last = size.names(user)
            mine = sso.user.get_current_user("cid", ust, APP, ADDRESS)
            assert mine.display_name == f"{first} {last}"
            by_email = SearchCtx(email=f"{scale_data.username(user).upper()}@example.com")
            (found,) = sso.user.search("cid", by_email, admin, APP, ADDRESS)["result"]
            assert found["user_id"] == size.user_id(user)
            assert found["email"] == f"{scale_data.username(user)}@example.com"
