"""Sites, their sessions and identities, from Python."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from stage import Stage, refused
from support import ADDRESS, APP, unique

REALMS = {"top_realm": "garden", "sub_realm": "vegetables"}


def identity_of(stage: Stage, user_id: str) -> str:
    (identity,) = stage.sso.identity.get_list("cid", user_id)
    assert stage.sso.identity.get("cid", identity["identity_token"]) == identity
    assert (identity["user_id"], identity["provider"], identity["profile"]) == (user_id, "storage", None)
    return str(identity["identity_token"])


def test_sites_are_made_changed_and_deleted(stage: Stage) -> None:
    name = unique("site")
    made = stage.sso.site.create("cid", name, [f"https://{name}.example/b", f"https://{name}.example/a"])
    private_key = made.pop("private_key")
    assert made in stage.sso.site.get_list("cid")
    assert private_key not in str(stage.sso.site.get_list("cid"))
    assert made["callback_uris"] == [f"https://{name}.example/a", f"https://{name}.example/b"]
    changed = stage.sso.site.update("cid", name, [])
    assert changed == {**made, "callback_uris": []}
    assert made["is_trusted"] is False
    trusted = stage.sso.site.update("cid", name, trusted=True)
    assert trusted == {**changed, "is_trusted": True}
    assert stage.sso.site.update("cid", name) == trusted
    assert stage.sso.site.delete("cid", name) == 0
    assert made["public_key"] not in str(stage.sso.site.get_list("cid"))


def test_a_private_key_is_a_uuid_or_has_256_bits(stage: Stage) -> None:
    short = stage.sso.site.create("cid", unique("site"), [])["private_key"]
    long = stage.sso.site.create("cid", unique("site"), [], long_key=True)["private_key"]
    assert str(UUID(short)) == short
    assert len(urlsafe_b64decode(f"{long}=")) == 32


def test_a_site_gets_another_private_key(stage: Stage) -> None:
    name = unique("site")
    first = stage.sso.site.create("cid", name, [f"https://{name}.example/"])
    changed = stage.sso.site.update("cid", name, new_key=True, keep_old_key=True)
    assert (changed.pop("has_old_key"), changed.pop("private_key") != first["private_key"]) == (True, True)
    assert {**changed, "private_key": first["private_key"]} == first
    (listed,) = [site for site in stage.sso.site.get_list("cid") if site["subdomain"] == name]
    assert listed == {**changed, "has_old_key": True}
    assert stage.sso.site.update("cid", name, end_old_key=True) == changed
    long = stage.sso.site.update("cid", name, new_key=True, long_key=True)
    assert (len(long["private_key"]), "has_old_key" in long) == (43, False)
    makes_no_sense: list[dict[str, Any]] = [
        {"long_key": True},
        {"keep_old_key": True},
        {"new_key": True, "end_old_key": True},
    ]
    for wrong in makes_no_sense:
        with pytest.raises(ValueError, match="old_key"):
            stage.sso.site.update("cid", name, **wrong)


def test_only_a_trusted_site_starts_sessions_for_anybody(stage: Stage) -> None:
    name, identity = unique("site"), identity_of(stage, stage.someone().user_id)
    found = stage.sso.user.get_user_by_username("cid", stage.super_user)
    assert found is not None
    root = identity_of(stage, found.user_id)
    stage.sso.site.create("cid", name, [])
    for target in (identity, root):
        with refused("E001100"):
            stage.sso.site.start_session("cid", name, target)
        with refused("E001100"):
            stage.sso.site.get_identity_session("cid", name, target)
        with refused("E001100"):
            stage.sso.site.end_identity_session("cid", name, target)
    stage.sso.site.update("cid", name, trusted=True)
    stage.sso.site.start_session("cid", name, identity)
    # A super-user has to be looked up with the password, by whatever site.
    with refused("E005001"):
        stage.sso.site.start_session("cid", name, root)
    other = unique("site")
    stage.sso.site.create("cid", other, [])
    token = stage.sso.site.get_identity_session("cid", name, identity)["sso_session_token"]
    with refused("E007001"):
        stage.sso.site.get_session("cid", other, token)


@pytest.mark.parametrize("data", [None, "carrot", {"a": [1, None, "☃"]}, 7, [], 1.5])
def test_a_session_is_what_it_was_started_with(stage: Stage, data: Any) -> None:
    name, someone = unique("site"), stage.someone()
    stage.sso.site.create("cid", name, [], trusted=True)
    identity = identity_of(stage, someone.user_id)
    started = stage.sso.site.start_session("cid", name, identity, **REALMS, lifetime=7200, session_data=data)
    assert stage.sso.site.get_session("cid", name, started["sso_session_token"]) == started
    assert stage.sso.site.get_identity_session("cid", name, identity) == started
    assert (started["data"], started["top_realm"], started["sub_realm"]) == (data, "garden", "vegetables")
    assert started["expiration_time"] - started["creation_time"] == timedelta(hours=2)
    page = stage.sso.site.get_session_list("cid", name)
    assert page == {"total": 1, "num_pages": 1, "page_size": 250, "cur_page": 1, "result": [started]}


def test_a_session_stands_among_those_of_the_user_and_ends_with_them(stage: Stage) -> None:
    name = unique("site")
    stage.sso.site.create("cid", name, [], trusted=True)
    someone, ust = stage.newcomer()
    started = stage.sso.site.start_session("cid", name, identity_of(stage, someone.user_id))
    listed = stage.sso.session.get_list("cid", ust, None, None, APP, ADDRESS)
    (found,) = [session for session in listed if session["auth_type"] == "site"]
    assert found["auth_principal"] == name
    stage.sso.user.lock_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
    with refused("E007001"):
        stage.sso.site.get_session("cid", name, started["sso_session_token"])
    with refused("E005002"):
        stage.sso.site.start_session("cid", name, started["identity_token"])


def test_sessions_end(stage: Stage) -> None:
    name = unique("site")
    stage.sso.site.create("cid", name, [], trusted=True)
    identity = identity_of(stage, stage.someone().user_id)
    first = stage.sso.site.start_session("cid", name, identity)
    second = stage.sso.site.start_session("cid", name, identity)
    with refused("E007001"):
        stage.sso.site.end_session("cid", name, first["sso_session_token"])
    stage.sso.site.end_session("cid", name, second["sso_session_token"])
    with refused("E007001"):
        stage.sso.site.end_identity_session("cid", name, identity)
    stage.sso.site.start_session("cid", name, identity)
    stage.sso.site.end_identity_session("cid", name, identity)
    assert stage.sso.site.get_session_list("cid", name)["total"] == 0


def test_what_cannot_be_is_refused(stage: Stage) -> None:
    name = unique("site")
    stage.sso.site.create("cid", name, [], trusted=True)
    identity = identity_of(stage, stage.someone().user_id)
    with pytest.raises(ValueError, match="order_direction: expected asc or desc"):
        stage.sso.site.get_session_list("cid", name, order_direction="up")
    with pytest.raises(ValueError, match="session_data: JSON has no NaN"):
        stage.sso.site.start_session("cid", name, identity, session_data=float("nan"))
    for page, entries in [(0, 1), (1, 0), (1, 501)]:
        with refused("E008002"):
            stage.sso.site.get_session_list("cid", name, page, entries)
    for lifetime in (0, -1, 10**10):
        with refused("E008002"):
            stage.sso.site.start_session("cid", name, identity, lifetime=lifetime)
