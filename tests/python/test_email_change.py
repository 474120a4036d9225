"""A new email counts when it is confirmed by its link."""

from __future__ import annotations

import time

from inbox import text_of, token_in
from stage import Someone, Stage, refused
from support import ADDRESS, APP, unique

KIND_OF_TOLD = "Another email address for your account"


def address() -> str:
    return f"{unique('ann')}@example.com"


def with_email(stage: Stage) -> tuple[Someone, str, str]:
    """A newcomer, their token and their address."""
    old = address()
    someone, ust = stage.newcomer(email=old)
    return someone, ust, old


def email_of(stage: Stage, someone: Someone) -> str | None:
    user = stage.sso.user.get_user_by_username("cid", someone.username)
    assert user is not None
    return user.email


def change(stage: Stage, ust: str, email: str | None) -> None:
    stage.sso.user.update_current_user("cid", {"email": email}, ust, APP, ADDRESS)


def test_a_new_email_counts_when_its_link_is_followed(stage: Stage) -> None:
    (someone, ust, old), new = with_email(stage), address()
    change(stage, ust, new)
    assert email_of(stage, someone) == old
    token = token_in(stage.mail.wait(new))
    told = stage.mail.wait(old)
    assert KIND_OF_TOLD in str(told["Subject"])
    assert new not in text_of(told)
    confirm = stage.sso.user.confirm_email
    for wrong in ("", "nonsense", token + "x", "\0"):
        with refused("E005006"):
            confirm("cid", wrong, APP, ADDRESS)
    confirm("cid", token, APP, ADDRESS)
    assert email_of(stage, someone) == new
    with refused("E005006"):
        confirm("cid", token, APP, ADDRESS)


def test_a_link_is_good_for_a_day(stage: Stage) -> None:
    (someone, ust, old), new = with_email(stage), address()
    change(stage, ust, new)
    token = token_in(stage.mail.wait(new))
    stage.execute("UPDATE sso_email_change SET expiration_time = 1 WHERE user_id = ?", someone.user_id)
    with refused("E005006"):
        stage.sso.user.confirm_email("cid", token, APP, ADDRESS)
    assert email_of(stage, someone) == old


def test_the_last_email_that_was_asked_for_counts(stage: Stage) -> None:
    (someone, ust, _), (first, second) = with_email(stage), (address(), address())
    change(stage, ust, first)
    token = token_in(stage.mail.wait(first))
    change(stage, ust, second)
    with refused("E005006"):
        stage.sso.user.confirm_email("cid", token, APP, ADDRESS)
    stage.sso.user.confirm_email("cid", token_in(stage.mail.wait(second)), APP, ADDRESS)
    assert email_of(stage, someone) == second


def test_what_takes_the_account_back_gives_the_new_email_up(stage: Stage) -> None:
    user = stage.sso.user
    password = {"new_password": "another battery staple"}
    for way in ("password", "super-user", "lock", "same"):
        (someone, ust, old), new = with_email(stage), address()
        change(stage, ust, new)
        token = token_in(stage.mail.wait(new))
        if way == "password":
            user.change_password("cid", {**password, "user_id": someone.user_id}, stage.admin, APP, ADDRESS)
        elif way == "super-user":
            other = address()
            user.update_user_by_id("cid", someone.user_id, {"email": other}, stage.admin, APP, ADDRESS)
            old = other
        elif way == "lock":
            user.lock_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
            user.unlock_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
        else:
            change(stage, ust, old)
        with refused("E005006"):
            user.confirm_email("cid", token, APP, ADDRESS)
        assert email_of(stage, someone) == old


def test_somebodys_address_is_not_disclosed_but_to_its_owner(stage: Stage) -> None:
    taken = address()
    owner, _ = stage.newcomer(email=taken)
    stage.execute("UPDATE sso_user SET email_is_claimed = TRUE WHERE user_id = ?", owner.user_id)
    someone, ust, old = with_email(stage)
    # The answer is the same as for any other address.
    change(stage, ust, taken)
    token = token_in(stage.mail.wait(taken))
    with refused("E002002"):
        stage.sso.user.confirm_email("cid", token, APP, ADDRESS)
    assert email_of(stage, someone) == old


def test_an_email_that_super_users_set_counts_at_once(stage: Stage) -> None:
    (someone, _, old), new = with_email(stage), address()
    stage.sso.user.update_user_by_id("cid", someone.user_id, {"email": new}, stage.admin, APP, ADDRESS)
    assert email_of(stage, someone) == new
    assert KIND_OF_TOLD in str(stage.mail.wait(old)["Subject"])


def test_an_email_that_is_taken_away_is_told_to(stage: Stage) -> None:
    someone, ust, old = with_email(stage)
    change(stage, ust, None)
    assert email_of(stage, someone) is None
    assert KIND_OF_TOLD in str(stage.mail.wait(old)["Subject"])


def test_an_open_reset_ends_with_a_new_email(stage: Stage) -> None:
    someone, ust, _ = with_email(stage)
    token = stage.reset_token(someone)
    new = address()
    change(stage, ust, new)
    stage.sso.user.confirm_email("cid", token_in(stage.mail.wait(new)), APP, ADDRESS)
    with refused("E010001"):
        stage.sso.password_reset.access_token("cid", token, APP, ADDRESS, None)


def test_it_counts_at_once_where_configuration_says_so(stage: Stage) -> None:
    (someone, ust, _), new = with_email(stage), address()
    with stage.changed(email={"confirm_change": False}) as sso:
        sso.user.update_current_user("cid", {"email": new}, ust, APP, ADDRESS)
    assert email_of(stage, someone) == new
    with stage.changed(smtp={"url": ""}) as sso:
        # Nobody could get a link.
        sso.user.update_current_user("cid", {"email": address()}, ust, APP, ADDRESS)
    assert email_of(stage, someone) != new


def test_nobody_is_flooded_with_links(stage: Stage) -> None:
    _, ust, _ = with_email(stage)
    for _ in range(20):
        change(stage, ust, address())
    with refused("E005009"):
        change(stage, ust, address())


def test_the_link_is_the_page_with_the_token(stage: Stage) -> None:
    (_, ust, _), new = with_email(stage), address()
    with stage.changed(email={"confirm_url": "https://example.com/confirm"}) as sso:
        sso.user.update_current_user("cid", {"email": new}, ust, APP, ADDRESS)
        text = text_of(stage.mail.wait(new))
    assert "\nhttps://example.com/confirm?token=" in text


def test_a_user_of_no_address_has_a_first_one_confirmed(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    new = address()
    change(stage, ust, new)
    token = token_in(stage.mail.wait(new))
    assert email_of(stage, someone) is None
    time.sleep(0.01)
    stage.sso.user.confirm_email("cid", token, APP, ADDRESS)
    assert email_of(stage, someone) == new
