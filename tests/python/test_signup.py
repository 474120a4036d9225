"""Signing up and confirming it, on both trees, with hooks."""

from __future__ import annotations

import time
from typing import Any

import pytest
from inbox import text_of
from stage import Stage, refused
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, unique
from zato_sso import SSO, SignupCtx, const

TELLING = {f"inform_if_{what}": True for what in ("user_exists", "user_invalid", "email_exists", "email_invalid")}


def ctx_of(username: str, **more: Any) -> SignupCtx:
    """Somebody who signs up."""
    everything = {"email": f"{username}@example.com", "password": PASSWORD, "app_list": [APP], **more}
    return SignupCtx(username=username, **everything)


def test_somebody_signs_up_confirms_and_logs_in(stage: Stage) -> None:
    username = unique("user")
    with stage.changed(signup={"is_approval_needed": False}) as sso:
        token = sso.user.signup("cid", ctx_of(username), APP, ADDRESS)
        assert token is not None
        assert len(token) == 32
        with refused("E005003"):
            sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
        sso.user.confirm_signup("cid", token, APP, ADDRESS)
        user = sso.user.get_user_by_username("cid", username)
        assert user is not None
        assert (user.sign_up_status, user.email) == (const.signup_status.final, f"{username}@example.com")
        assert user.sign_up_confirm_time is not None
        assert user.approval_status_mod_by == "auto"
        sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
        with refused("E005007"):
            sso.user.confirm_signup("cid", token.encode(), APP, ADDRESS)
        with refused("E005006"):
            sso.user.confirm_signup("cid", "unknown", APP, ADDRESS)


def test_what_is_wrong_is_told_where_configured(stage: Stage) -> None:
    username = unique("user")
    wrong = {
        "E001001": ctx_of("\u0430dmin", email="other@example.com"),
        "E001002": ctx_of(username, email="other@example.com"),
        "E001003": ctx_of("x" * 129, email="other@example.com"),
        "E001004": ctx_of("user 2", email="other@example.com"),
        "E002001": ctx_of(unique("user"), email="a@x..example.com"),
        "E002002": ctx_of(unique("user"), email=f"{username.upper()}@example.com"),
        "E002003": ctx_of(unique("user"), email="x" * 129 + "@example.com"),
        "E002004": ctx_of(unique("user"), email="a b@example.com"),
        "E002005": ctx_of(unique("user"), email=None),
        "E003001": ctx_of(unique("user"), password="my qwerty keyboard"),
        "E003002": ctx_of(unique("user"), password=None),
        "E003003": ctx_of(unique("user"), password=b"x" * 257),
        "E004001": ctx_of(unique("user"), app_list=[]),
        "E008002": ctx_of(unique("user"), sign_up_status=const.signup_status.final),
    }
    with stage.changed(signup=TELLING) as sso:
        token = sso.user.signup("cid", ctx_of(username), APP, ADDRESS)
        assert token is not None
        sso.user.confirm_signup("cid", token, APP, ADDRESS)
        for code, ctx in wrong.items():
            with refused(code):
                sso.user.signup("cid", ctx, APP, ADDRESS)
        for attribute, value in {"username": 5, "email": 5, "password": 5, "app_list": APP, "current_app": 5}.items():
            ctx = ctx_of(unique("user"))
            setattr(ctx, attribute, value)
            with refused("E008002"):
                sso.user.signup("cid", ctx, APP, ADDRESS)
        ctx = ctx_of(unique("user"))
        vars(ctx)["emial"] = "a@example.com"
        with refused("E008002"):
            sso.user.signup("cid", ctx, APP, ADDRESS)
    quiet = {"inform_if_user_invalid": False, "inform_if_email_invalid": False}
    with stage.changed(password={"inform_if_invalid": False}, signup=quiet) as sso:
        for code, ctx in wrong.items():
            with refused(code if code in ("E004001", "E008002") else "E005001"):
                sso.user.signup("cid", ctx, APP, ADDRESS)
    # By default all is told that does not disclose who has an account.
    with stage.changed() as sso:
        for code, ctx in wrong.items():
            with refused("E005001" if code in ("E001002", "E002002") else code):
                sso.user.signup("cid", ctx, APP, ADDRESS)
    with stage.changed(apps={"signup_allowed": []}) as sso, refused("E004002"):
        sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS)


def test_the_application_is_that_of_the_call_or_of_the_context(stage: Stage) -> None:
    apps = {"all": [APP, "Portal"], "signup_allowed": ["Portal"]}
    with stage.changed(apps=apps) as sso:
        portal = {"app_list": None, "current_app": "Portal"}
        assert sso.user.signup("cid", ctx_of(unique("user"), **portal), None, ADDRESS)
        assert sso.user.signup("cid", ctx_of(unique("user"), **portal), "Portal", ADDRESS)
        with refused("E004002"):
            sso.user.signup("cid", ctx_of(unique("user"), app_list=None), None, ADDRESS)
        with pytest.raises(ValueError, match="current_app"):
            sso.user.signup("cid", ctx_of(unique("user"), **portal), APP, ADDRESS)


def test_a_token_may_go_by_email_only(stage: Stage) -> None:
    with stage.changed(signup={"always_return_confirm_token": False}) as sso:
        assert sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS) is None


def test_a_token_is_returned_only_where_no_email_can_be_sent(stage: Stage, config: Config) -> None:
    with stage.changed(signup={"always_return_confirm_token": "auto"}) as sso:
        assert sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS) is None
    with SSO(config=config) as sso:
        assert sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS) is not None
    with SSO(config=config, hooks={"send_email": lambda _message: None}) as sso:
        assert sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS) is None


def test_the_email_of_a_sign_up_is_repeated_and_nobody_is_told_whether_it_is(stage: Stage) -> None:
    username = unique("user")
    address = f"{username}@example.com"
    token = stage.sso.user.signup("cid", ctx_of(username), APP, ADDRESS)
    assert token is not None
    stage.mail.wait(address)
    for count, credential in ((2, username), (3, address.upper())):
        # Nothing is repeated while it waits.
        deadline = time.monotonic() + 20
        while len(stage.mail.to(address)) < count:
            assert time.monotonic() < deadline
            answer = stage.sso.user.resend_confirmation("cid", credential, APP, ADDRESS)  # type: ignore[func-returns-value]
            assert answer is None
            time.sleep(0.2)
    assert all(token in text_of(message) for message in stage.mail.to(address))
    for unknown in ("nobody", "", "\0", "ż" * 10_000):
        assert stage.sso.user.resend_confirmation("cid", unknown, APP, ADDRESS) is None  # type: ignore[func-returns-value]
    with refused("E004001"):
        stage.sso.user.resend_confirmation("cid", username, "Unknown", ADDRESS)


def test_a_later_sign_up_with_the_same_address_takes_the_place_of_the_earlier_one(stage: Stage) -> None:
    username = unique("user")
    address = f"{username}@example.com"
    with stage.changed(signup={"is_approval_needed": False, **TELLING}) as sso:
        earlier = sso.user.signup("cid", ctx_of(unique("squatter"), email=address, password="x" * 20), APP, ADDRESS)
        token = sso.user.signup("cid", ctx_of(username), APP, ADDRESS)
        assert earlier is not None
        assert token is not None
        with refused("E005006"):
            sso.user.confirm_signup("cid", earlier, APP, ADDRESS)
        sso.user.confirm_signup("cid", token, APP, ADDRESS)
        sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
        with refused("E002002"):
            sso.user.signup("cid", ctx_of(unique("late"), email=address), APP, ADDRESS)


def test_hooks_are_asked_and_told_without_the_password(stage: Stage) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    said: list[Any] = []
    answers: list[Any] = [
        {"is_valid": True},
        {"is_valid": True, "sub_status": ["E001001"]},
        {"is_valid": False, "sub_status": ["E003001", "E002001"]},
        {"is_valid": False, "sub_status": []},
        {"is_valid": False},
        {"is_valid": False, "sub_status": ["no code"]},
        {"is_valid": 1},
        {"sub_status": []},
        None,
    ]
    expected = [None, None, "E003001", *["E005001"] * 6]

    def validate(ctx: dict[str, Any]) -> Any:
        told.append(("validate", ctx))
        return said[-1]

    async def on_signup(ctx: dict[str, Any]) -> None:
        told.append(("on_signup", ctx))
        raise ValueError(ctx)

    with stage.changed() as sso:
        sso.hooks.validate_signup, sso.hooks.on_signup = validate, on_signup
        for answer, code in zip(answers, expected, strict=True):
            said.append(answer)
            username = unique("user")
            told.clear()
            if code is None:
                sso.user.signup("cid", ctx_of(username), APP, ADDRESS)
            else:
                with refused(code):
                    sso.user.signup("cid", ctx_of(username), APP, ADDRESS)
            user = sso.user.get_user_by_username("cid", username, needs_approved=False)
            ctx = {
                "username": username,
                "email": f"{username}@example.com",
                "current_app": APP,
                "app_list": [APP],
                "sign_up_status": "before_confirmation",
            }
            assert told[0] == ("validate", ctx)
            if code is None:
                assert user is not None
                assert told[1:] == [("on_signup", {**ctx, "user_id": user.user_id})]
            else:
                assert user is None
                assert told[1:] == []


def test_a_hook_that_raises_refuses_a_sign_up(stage: Stage) -> None:
    def validate(ctx: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError(ctx)

    with stage.changed() as sso:
        sso.hooks.validate_signup = validate
        with refused("E005001"):
            sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS)
        sso.hooks.validate_signup = None
        assert sso.user.signup("cid", ctx_of(unique("user")), APP, ADDRESS)


def test_a_context_shows_all_but_the_password() -> None:
    ctx = SignupCtx()
    assert vars(ctx) == {
        "username": None,
        "email": None,
        "password": None,
        "current_app": None,
        "app_list": None,
        "sign_up_status": const.signup_status.before_confirmation,
        **dict.fromkeys(("display_name", "first_name", "middle_name", "last_name")),
    }
    ctx.username, ctx.password = "user1", "planted"
    assert "planted" not in repr(ctx)
    assert "user1" in repr(ctx)
    assert ctx == SignupCtx(username="user1", password="planted")
    assert ctx != SignupCtx(username="user1", password="other")


@pytest.mark.parametrize("make", [SSO, AsyncSSO], ids=["blocking", "async"])
def test_something_else_is_a_type_error(make: Any) -> None:
    sso = make("sqlite::memory:")
    for wrong in ({"username": "user1"}, None, "user1"):
        with pytest.raises(TypeError, match="argument 'ctx': expected SignupCtx"):
            sso.user.signup("cid", wrong, APP, ADDRESS)
