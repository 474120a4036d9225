"""`zato_sso.status_code` is the table that the Rust side has, label by label."""

import re
from pathlib import Path

from zato_sso import const, status_code

TABLE = Path(__file__).resolve().parents[2] / "src" / "domain" / "core" / "code.rs"


def test_every_code_of_the_table_stands_under_its_label() -> None:
    rows = re.findall(r'= "([EW]\d{6})", "(\w+)", "(\w+)";', TABLE.read_text(encoding="utf-8"))
    expected = {f"{group}.{label}": code for code, group, label in rows}
    found = {
        f"{group}.{label}": code
        for group in status_code.__all__
        if isinstance(labels := getattr(status_code, group), type)
        for label, code in vars(labels).items()
        if not label.startswith("_")
    }
    assert len(expected) == 50
    assert found == expected


def test_statuses_are_what_answers_say() -> None:
    assert (status_code.ok, status_code.warning, status_code.error) == ("ok", "warning", "error")


def test_constants_are_the_values_of_the_api() -> None:
    assert (const.search.and_, const.search.or_, const.search.page_size) == ("and", "or", 50)
    assert const.signup_status.before_confirmation == "before_confirmation"
    assert const.approval_status.before_decision == "before_decision"
    assert (const.auth_type.default, const.auth_type.basic_auth, const.auth_type.jwt) == (
        "default",
        "basic_auth",
        "jwt",
    )
