"""Exceptions as a web service answers with them."""

from __future__ import annotations

import pickle

import pytest
from zato_sso import BackendError, InternalError, InvalidTOTPError, ValidationError, _core


@pytest.mark.parametrize("code", [code for code, _, _ in _core.status_codes() if code])
def test_every_code_has_a_status_and_a_problem(code: str) -> None:
    error = ValidationError([code])
    assert error.http_status in ({200} if code.startswith("W") else {400, 401, 403, 404, 409, 429, 500})
    assert error.to_problem() == {
        "type": f"urn:zato-sso:{code}",
        "title": _core.code_label(code),
        "status": error.http_status,
        "code": code,
        "sub_status": [code],
    }
    assert str(error) == f"{code} {_core.code_label(code)}"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("E001001", 400),
        ("E001002", 409),
        ("E001100", 404),
        ("E002002", 409),
        ("E003002", 400),
        ("E003004", 403),
        ("E003007", 403),
        ("E005001", 403),
        ("E005008", 403),
        ("E005009", 429),
        ("E007001", 401),
        ("E007002", 401),
        ("E008002", 400),
        ("E009001", 409),
        ("E009002", 404),
        ("E010001", 400),
        ("E013001", 404),
        ("E013002", 409),
        ("E014001", 404),
        ("E014002", 400),
        ("E014003", 400),
        ("E999999", 403),
        ("", 403),
    ],
)
def test_a_code_becomes_the_status_that_clients_know(code: str, status: int) -> None:
    assert ValidationError([code]).http_status == status
    assert ValidationError([code]).to_problem()["status"] == status


def test_a_problem_says_how_long_to_wait_and_which_answer_it_is() -> None:
    problem = ValidationError(["E005009"], retry_after=2.5).to_problem(instance="cid-1")
    assert (problem["retry_after"], problem["instance"]) == (2.5, "cid-1")
    assert ValidationError([]).to_problem()["status"] == 403


def test_only_details_of_input_are_told() -> None:
    assert ValidationError(["E008002"], detail="email: expected str").to_problem()["detail"] == "email: expected str"
    assert "detail" not in InvalidTOTPError(["E005001"], detail="totp_code: wrong, or used before").to_problem()


def test_faults_have_a_status_and_say_nothing_of_their_cause() -> None:
    error = BackendError("connection to 10.0.0.7 refused", retry_after=1.0)
    assert (error.http_status, error.retry_after) == (503, 1.0)
    assert "10.0.0.7" not in str(error.to_problem())
    assert error.to_problem()["retry_after"] == 1.0
    assert InternalError().to_problem()["status"] == InternalError().http_status == 500
    assert (BackendError("closed").retry_after, str(BackendError("closed"))) == (None, "closed")


def test_faults_can_be_pickled_as_before() -> None:
    again = pickle.loads(pickle.dumps(BackendError("closed", retry_after=3.0)))  # noqa: S301
    assert (str(again), again.retry_after) == ("closed", 3.0)
