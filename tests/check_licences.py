"""Check that every crate the build can draw in is under a licence that `deny.toml` allows.

    python tests/check_licences.py

`cargo deny` checks this and more, but takes many minutes to install; this takes a second, so it always runs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).resolve().parent.parent


class ExpressionError(ValueError):
    """A licence expression cannot be read."""


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Tell whether an SPDX expression can be satisfied with the allowed licences alone.

    Args:
        expression: an expression with `AND`, `OR`, `WITH` and parentheses; `/` is an older way to write `OR`.
        allowed: licence identifiers, with their exception where they have one: `Apache-2.0 WITH LLVM-exception`.

    Raises:
        ExpressionError: it is not such an expression.
    """
    tokens: list[str] = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def take() -> str:
        if not tokens:
            raise ExpressionError(f"{expression!r} ends too early")
        return tokens.pop(0)

    def either() -> bool:
        value = both()
        while tokens and tokens[0] == "OR":
            take()
            value = both() or value
        return value

    def both() -> bool:
        value = one()
        while tokens and tokens[0] == "AND":
            take()
            value = one() and value
        return value

    def one() -> bool:
        token = take()
        if token == "(":
            value = either()
            if take() != ")":
                raise ExpressionError(f"{expression!r} lacks a parenthesis")
            return value
        if token in {")", "AND", "OR", "WITH"}:
            raise ExpressionError(f"{expression!r} has {token!r} in a wrong place")
        if tokens and tokens[0] == "WITH":
            take()
            token = f"{token} WITH {take()}"
        return token in allowed

    value = either()
    if tokens:
        raise ExpressionError(f"{expression!r} goes on with {tokens[0]!r}")
    return value


def refused(packages: list[dict[str, Any]], allowed: Collection[str]) -> list[str]:
    """Return a line about each package whose licence is not allowed, or not said."""
    lines = []
    for package in packages:
        licence = package["license"]
        name = f"{package['name']} {package['version']}"
        if licence is None:
            lines.append(f"{name} does not say its licence")
        elif not is_allowed(licence, allowed):
            lines.append(f"{name} is under {licence}")
    return lines


def main() -> int:
    """Check the crates of all features and platforms in Cargo.lock."""
    deny = tomli.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
    allowed = frozenset(deny["licenses"]["allow"])
    command = ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = metadata["packages"]
    lines = refused(packages, allowed)
    for line in lines:
        print(f"licence not allowed by deny.toml: {line}", file=sys.stderr)
    if not lines:
        print(f"licences: all {len(packages)} crates are under one that deny.toml allows")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
