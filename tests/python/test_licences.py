"""The licence check reads expressions as they are meant."""

from typing import Any

import pytest
from check_licences import ExpressionError, is_allowed, refused

ALLOWED = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"}


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "GPL-3.0 AND ISC OR MIT",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
    ],
)
def test_an_expression_that_can_be_satisfied_is_allowed(expression: str) -> None:
    assert is_allowed(expression, ALLOWED)


@pytest.mark.parametrize(
    "expression",
    [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR GPL-3.0) AND ISC",
        "MIT WITH Some-exception",
        "Apache-2.0 WITH Classpath-exception-2.0",
    ],
)
def test_another_is_not(expression: str) -> None:
    assert not is_allowed(expression, ALLOWED)


@pytest.mark.parametrize("expression", ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND MIT"])
def test_what_is_no_expression_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError):
        is_allowed(expression, ALLOWED)


def test_a_crate_that_does_not_say_is_refused() -> None:
    packages: list[dict[str, Any]] = [
        {"name": "good", "version": "1.0.0", "license": "MIT"},
        {"name": "silent", "version": "2.0.0", "license": None},
        {"name": "closed", "version": "3.0.0", "license": "Proprietary"},
    ]
    assert refused(packages, ALLOWED) == [
        "silent 2.0.0 does not say its licence",
        "closed 3.0.0 is under Proprietary",
    ]
