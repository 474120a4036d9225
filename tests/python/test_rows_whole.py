"""The table of calls and codes has everything."""

from __future__ import annotations

from faces import NOT_IN_REST, REST
from test_rows import CALLS, CODES
from ways import BY_SESSION
from zato_sso import status_code

# Codes that no call says, and why.
NOT_SAID = {
    "E005005": "wrong or missing rights are always E005001",
    "E008004": "a fault of the product",
    "E008005": "overload, a BackendError",
    "E008006": "an unreachable database, a BackendError",
    "E012002": "an answer that counted before, which test_passkey.py has",
    "E012003": "of users without a password, which tests/it/passkey.rs has",
    "E014003": "for clients of the OpenID Provider, in the words of OAuth 2",
    "W003005": "a warning: the login succeeds",
}


def test_every_call_has_its_codes_and_a_place_in_rest_or_a_reason() -> None:
    assert set(CODES) == set(CALLS)
    assert set(REST) | set(NOT_IN_REST) == set(CALLS)
    assert not set(REST) & set(NOT_IN_REST)


def test_every_code_is_said_by_some_call_or_there_is_a_reason() -> None:
    said = {code for codes in [BY_SESSION, *CODES.values()] for code in codes}
    known = {
        code
        for name in status_code.__all__
        if isinstance(group := getattr(status_code, name), type)
        for label, code in vars(group).items()
        if not label.startswith("_")
    }
    assert said | set(NOT_SAID) == known
