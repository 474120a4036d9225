"""What the Python tests share: a fresh database on either engine, and parameters that make hashing cheap."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

POSTGRES_VARIABLE = "ZATO_SSO_TEST_POSTGRES_URL"


@pytest.fixture(scope="session")
def postgres_server_url() -> str:
    """The PostgreSQL server on which tests may create databases."""
    url = os.environ.get(POSTGRES_VARIABLE)
    if not url:
        pytest.fail(f"{POSTGRES_VARIABLE} is not set: run `make test`, or this command through it", pytrace=False)
    return url


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped after the test."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_server_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(postgres_server_url)._replace(path=f"/{name}"))
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'sso.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; a test that asks for it runs once on each engine."""
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@pytest.fixture
def fast_config() -> dict[str, Any]:
    """Configuration whose password hashing costs next to nothing, and protects nothing."""
    return {"hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": True}}
