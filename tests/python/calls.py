"""Arguments for every call of the object tree, by name, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from authenticator import Authenticator
from inbox import token_in
from stage import Stage
from support import ADDRESS, APP, PASSWORD, totp_code, unique
from zato_sso import AccessTokenCtx, AuditSearchCtx, Passkey, SearchCtx, Session, SessionInfo, SignupCtx, User

Arguments = dict[str, Any]
Build = Callable[[Stage], Arguments]
CONTEXT = {"current_app": APP, "remote_addr": ADDRESS}


def new_user(stage: Stage) -> Arguments:
    data = {"username": unique("user"), "password": PASSWORD}
    more = {"require_super_user": True, "auto_approve": False}
    return {"cid": "cid", "data": data, "current_ust": stage.admin, **CONTEXT, **more}


def ensured(stage: Stage) -> Arguments:
    return {"cid": "cid", "data": {"username": unique("user"), "password": PASSWORD}, **CONTEXT}


def sign_up(stage: Stage) -> Arguments:
    username = unique("user")
    ctx = SignupCtx(username=username, email=f"{username}@example.com", password=PASSWORD, app_list=[APP])
    return {"cid": "cid", "ctx": ctx, **CONTEXT}


def confirm_sign_up(stage: Stage) -> Arguments:
    return {"cid": "cid", "confirm_token": stage.sso.user.signup(**sign_up(stage)), **CONTEXT}


def confirm_email(stage: Stage) -> Arguments:
    address = f"{unique('new')}@example.com"
    stage.sso.user.update_current_user("cid", {"email": address}, stage.newcomer()[1], APP, ADDRESS)
    return {"cid": "cid", "confirm_token": token_in(stage.mail.wait(address)), **CONTEXT}


def resend(stage: Stage) -> Arguments:
    return {"cid": "cid", "credential": sign_up(stage)["ctx"].username, **CONTEXT}


def decision(stage: Stage) -> Arguments:
    return {"cid": "cid", "user_id": stage.someone().user_id, "current_ust": stage.admin, **CONTEXT}


def lock(stage: Stage) -> Arguments:
    return {**decision(stage), "require_super_user": True, "current_user": None}


def login(stage: Stage) -> Arguments:
    who = {"cid": "cid", "username": stage.someone().username, "password": PASSWORD}
    client = {"user_agent": "agent", "has_remote_addr": False, "has_user_agent": False}
    return {**who, **CONTEXT, **client, "new_password": "", "totp_code": None, "skip_sec": False}


def logout(stage: Stage) -> Arguments:
    return {"cid": "cid", "ust": stage.newcomer()[1], **CONTEXT, "skip_sec": False}


def current_user(stage: Stage) -> Arguments:
    return {"cid": "cid", "current_ust": stage.newcomer()[1], **CONTEXT, "return_all_attrs": False}


def user_by_id(stage: Stage) -> Arguments:
    return {**decision(stage), "return_all_attrs": False}


def user_by_username(stage: Stage) -> Arguments:
    return {"cid": "cid", "username": stage.someone().username, "needs_approved": True}


def search(stage: Stage) -> Arguments:
    return {"cid": "cid", "ctx": SearchCtx(), "current_ust": stage.admin, **CONTEXT, "serialize_dt": False}


def update_oneself(stage: Stage) -> Arguments:
    data = {"first_name": "Ann"}
    return {"cid": "cid", "data": data, "current_ust": stage.newcomer()[1], **CONTEXT}


def update_by_id(stage: Stage) -> Arguments:
    who = {"cid": "cid", "user_id": stage.someone().user_id}
    return {**who, "data": {"first_name": "Ann"}, "current_ust": stage.admin, **CONTEXT}


def update(stage: Stage) -> Arguments:
    data = {"first_name": "Ann"}
    who = stage.someone().user_id
    return {"cid": "cid", "data": data, "current_ust": stage.admin, **CONTEXT, "user_id": who}


def delete_by_id(stage: Stage) -> Arguments:
    return {**decision(stage), "skip_sec": False}


def delete_by_username(stage: Stage) -> Arguments:
    who = {"cid": "cid", "username": stage.someone().username}
    return {**who, "current_ust": stage.admin, **CONTEXT, "skip_sec": False}


def change_password(stage: Stage) -> Arguments:
    data = {"user_id": stage.someone().user_id, "new_password": "another battery staple"}
    return {"cid": "cid", "data": data, "current_ust": stage.admin, **CONTEXT}


def set_password(stage: Stage) -> Arguments:
    who = {"cid": "cid", "user_id": stage.someone().user_id, "password": "another battery staple"}
    return {**who, "must_change": False, "password_expiry": None, **CONTEXT, "details": {"by": "test"}}


def validate_password(_: Stage) -> Arguments:
    return {"password": PASSWORD}


def reset_totp_key(stage: Stage) -> Arguments:
    who = {"cid": "cid", "current_ust": stage.admin, "user_id": stage.someone().user_id}
    return {**who, "key": None, "key_label": "phone", **CONTEXT, "skip_sec": False}


def validate_code(stage: Stage) -> Arguments:
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    _, ust = stage.newcomer(totp_key=key)
    return {"cid": "cid", "code": totp_code(key), "ust": ust, "username": "", **CONTEXT}


def finish_enrolment(stage: Stage) -> Arguments:
    who = own_session(stage)
    _, key = stage.sso.totp.begin_enrolment(**who)
    return {"cid": "cid", "code": totp_code(key), "current_ust": who["current_ust"], **CONTEXT}


def disable_totp(stage: Stage) -> Arguments:
    _, ust = stage.newcomer()
    return {"cid": "cid", "password": PASSWORD, "code": None, "current_ust": ust, **CONTEXT}


def recovery_codes(stage: Stage) -> Arguments:
    return {"cid": "cid", "current_ust": stage.admin, **CONTEXT, "user_id": stage.someone().user_id}


def new_passkey(stage: Stage) -> Arguments:
    return {"cid": "cid", "current_ust": stage.newcomer()[1], **CONTEXT, "name": "phone"}


def made_passkey(stage: Stage) -> Arguments:
    who = new_passkey(stage)
    response = Authenticator().register(stage.sso.user.passkey.begin_registration(**who))
    return {"cid": "cid", "response": response, "current_ust": who["current_ust"], **CONTEXT}


def passkey_login(_: Stage) -> Arguments:
    return {"cid": "cid", **CONTEXT, "username": "nobody"}


def used_passkey(stage: Stage) -> Arguments:
    key, who = Authenticator(), new_passkey(stage)
    response = key.register(stage.sso.user.passkey.begin_registration(**who))
    stage.sso.user.passkey.finish_registration("cid", response, who["current_ust"], **CONTEXT)
    response = key.login(stage.sso.user.passkey.begin_login("cid", **CONTEXT))
    return {"cid": "cid", "response": response, **CONTEXT, "user_agent": "agent"}


def begin_again(stage: Stage) -> Arguments:
    who = made_passkey(stage)
    stage.sso.user.passkey.finish_registration(**who)
    return {"cid": "cid", "current_ust": who["current_ust"], **CONTEXT}


def again(stage: Stage) -> Arguments:
    key, who = Authenticator(), new_passkey(stage)
    response = key.register(stage.sso.user.passkey.begin_registration(**who))
    stage.sso.user.passkey.finish_registration("cid", response, who["current_ust"], **CONTEXT)
    response = key.login(stage.sso.user.passkey.begin_reauthentication("cid", who["current_ust"], **CONTEXT))
    return {"cid": "cid", "response": response, "current_ust": who["current_ust"], **CONTEXT}


def other_name(stage: Stage) -> Arguments:
    who = made_passkey(stage)
    made = stage.sso.user.passkey.finish_registration(**who)
    names = {"passkey_id": made.passkey_id, "name": "key"}
    return {"cid": "cid", **names, "current_ust": who["current_ust"], **CONTEXT}


def passkey(stage: Stage) -> Arguments:
    made = stage.sso.user.passkey.finish_registration(**made_passkey(stage))
    return {"cid": "cid", "passkey_id": made.passkey_id, "current_ust": stage.admin, **CONTEXT, "user_id": made.user_id}


def new_group(stage: Stage) -> Arguments:
    names = {"display_name": "Sales", "description": "All who sell", "scopes": ["orders"]}
    rights = {"can_manage_users": False, "can_read_audit": False}
    return {"cid": "cid", "name": unique("group"), "current_ust": stage.admin, **CONTEXT, **names, **rights}


def group(stage: Stage) -> Arguments:
    made = stage.sso.group.create(**new_group(stage))
    return {"cid": "cid", "group_id": made["group_id"], "current_ust": stage.admin, **CONTEXT}


def group_change(stage: Stage) -> Arguments:
    who = group(stage)
    return {"cid": "cid", "group_id": who["group_id"], "data": {"display_name": "S"}, **without(who)}


def group_list(stage: Stage) -> Arguments:
    return {"cid": "cid", "current_ust": stage.admin, **CONTEXT}


def group_member(stage: Stage) -> Arguments:
    who = group(stage)
    return {"cid": "cid", "group_id": who["group_id"], "user_id": stage.someone().user_id, **without(who)}


def group_members(stage: Stage) -> Arguments:
    return {**group(stage), "after": None, "limit": 10}


def audit_search(stage: Stage) -> Arguments:
    return {"cid": "cid", "ctx": AuditSearchCtx(op="user.login", limit=5), "current_ust": stage.admin, **CONTEXT}


def new_client(stage: Stage) -> Arguments:
    settings = {"redirect_uris": ["https://app.example.com/callback"], "id_token_alg": "ES256"}
    name = {"cid": "cid", "name": unique("client"), "kind": "web"}
    return {**name, "current_ust": stage.admin, **CONTEXT, "data": settings}


def client(stage: Stage) -> Arguments:
    made = stage.sso.client.create(**new_client(stage))
    return {"cid": "cid", "client_id": made["client_id"], "current_ust": stage.admin, **CONTEXT}


def client_change(stage: Stage) -> Arguments:
    who = client(stage)
    return {"cid": "cid", "client_id": who["client_id"], "data": {"is_trusted": True}, **without(who)}


def client_secret(stage: Stage) -> Arguments:
    return {**client(stage), "keep_old_for": 1}


def without(who: Arguments) -> Arguments:
    return {"current_ust": who["current_ust"], **CONTEXT}


def session_to_end(stage: Stage) -> Arguments:
    ust = stage.newcomer()[1]
    session_id = stage.sso.session.get("cid", ust, ust, APP, ADDRESS).session_id
    return {"cid": "cid", "session_id": session_id, "current_ust": stage.admin, **CONTEXT}


def sessions_to_end(stage: Stage) -> Arguments:
    user_id = stage.newcomer()[0].user_id
    return {"cid": "cid", "current_ust": stage.admin, "user_id": user_id, "except_current": True, **CONTEXT}


def own_session(stage: Stage) -> Arguments:
    return {"cid": "cid", "current_ust": stage.newcomer()[1], **CONTEXT}


def current_session(stage: Stage) -> Arguments:
    return {**own_session(stage), "needs_super_user": False}


def super_users_session(stage: Stage) -> Arguments:
    return {**own_session(stage), "current_ust": stage.admin}


def new_link(stage: Stage) -> Arguments:
    definition = stage.definition("basic_auth")
    who = {"cid": "cid", "ust": stage.admin, "user_id": stage.someone().user_id}
    return {**who, "auth_type": "basic_auth", "auth_username": definition.username, "is_active": True, **CONTEXT}


def link_list(stage: Stage) -> Arguments:
    return {"cid": "cid", "ust": stage.admin, **CONTEXT, "user_id": stage.someone().user_id}


def link(stage: Stage) -> Arguments:
    someone = stage.someone()
    username = stage.linked("jwt", someone).username
    who = {"cid": "cid", "ust": stage.admin, "user_id": someone.user_id}
    return {**who, "auth_type": "jwt", "auth_username": username, **CONTEXT}


def linked_user(stage: Stage) -> Arguments:
    username = stage.linked("jwt", stage.someone()).username
    who = {"cid": "cid", "sec_type": "jwt", "sec_username": username}
    return {**who, "current_ust": stage.admin, **CONTEXT, "return_all_attrs": False}


def external_auth(stage: Stage) -> Arguments:
    someone = stage.someone()
    definition = stage.linked("jwt", someone)
    by = {"sec_type": "jwt", "sec_def_id": definition.sec_def_id, "sec_def_username": definition.username}
    who = {"user_id": someone.user_id, "ext_session_id": "token", "totp_code": None}
    return {"cid": "cid", **by, **who, **CONTEXT, "user_agent": "agent"}


def external_session(stage: Stage) -> Arguments:
    arguments = external_auth(stage)
    stage.sso.session.on_external_auth_succeeded(**arguments)
    return {name: arguments[name] for name in ("sec_type", "sec_def_id", "ext_session_id")}


def target(stage: Stage) -> Arguments:
    tokens = {"target_ust": stage.newcomer()[1], "current_ust": stage.admin}
    return {"cid": "cid", **tokens, **CONTEXT, "user_agent": "agent"}


def target_session(stage: Stage) -> Arguments:
    return {**target(stage), "check_if_password_expired": True}


def renew(stage: Stage) -> Arguments:
    return {"cid": "cid", "ust": stage.newcomer()[1], **CONTEXT, "user_agent": "agent"}


def reauthenticate(stage: Stage) -> Arguments:
    who = {"cid": "cid", "ust": stage.newcomer()[1], "password": PASSWORD}
    return {**who, "totp_code": None, **CONTEXT, "user_agent": "agent"}


def session_list(stage: Stage) -> Arguments:
    tokens = {"ust": None, "target_ust": stage.newcomer()[1], "current_ust": stage.admin}
    return {"cid": "cid", **tokens, **CONTEXT, "user_agent": "agent"}


def reset_request(stage: Stage) -> Arguments:
    return {"cid": "cid", "credential": stage.someone().username, **CONTEXT, "user_agent": "agent"}


def reset_token(stage: Stage) -> Arguments:
    someone = stage.someone(email=f"{unique('user')}@example.com")
    return {"cid": "cid", "token": stage.reset_token(someone), **CONTEXT, "user_agent": "agent"}


def reset_key(stage: Stage) -> Arguments:
    token = reset_token(stage)["token"]
    key = stage.sso.password_reset.access_token("cid", token, APP, ADDRESS, None).reset_key
    secrets = {"new_password": "another battery staple", "token": token, "reset_key": key}
    return {"cid": "cid", **secrets, **CONTEXT, "user_agent": "agent"}


def new_site(_: Stage) -> Arguments:
    name = unique("site")
    more = {"trusted": True, "long_key": True}
    return {"cid": "cid", "subdomain": name, "callback_uris": [f"https://{name}.example/"], **CONTEXT, **more}


def every_site(_: Stage) -> Arguments:
    return {"cid": "cid", **CONTEXT}


def site(stage: Stage) -> Arguments:
    return {"cid": "cid", "subdomain": stage.sso.site.create(**new_site(stage))["subdomain"], **CONTEXT}


def other_uris(stage: Stage) -> Arguments:
    name = site(stage)["subdomain"]
    uris = [f"https://www.{name}.example/"]
    return {"cid": "cid", "subdomain": name, "callback_uris": uris, **CONTEXT, "trusted": False}


def identity(stage: Stage) -> Arguments:
    found = stage.sso.identity.get_list("cid", stage.someone().user_id)
    return {"cid": "cid", "identity_token": found[0]["identity_token"], **CONTEXT}


def user_of_identities(stage: Stage) -> Arguments:
    return {"cid": "cid", "user_id": stage.someone().user_id, **CONTEXT}


def new_site_session(stage: Stage) -> Arguments:
    who = {**site(stage), **identity(stage)}
    realms = {"top_realm": "garden", "sub_realm": "vegetables", "lifetime": 7200, "session_data": {"a": [1]}}
    names = ("cid", "subdomain", "identity_token")
    return {**{name: who[name] for name in names}, **realms, **CONTEXT, "user_agent": "agent"}


def site_sessions(stage: Stage) -> Arguments:
    pages = {"page": 1, "entries_per_page": 250, "order_direction": "desc"}
    return {"cid": "cid", "subdomain": site(stage)["subdomain"], **pages, **CONTEXT}


def site_session(stage: Stage) -> Arguments:
    arguments = new_site_session(stage)
    token = stage.sso.site.start_session(**arguments)["sso_session_token"]
    return {"cid": "cid", "subdomain": arguments["subdomain"], "sso_session_token": token, **CONTEXT}


def identity_session(stage: Stage) -> Arguments:
    arguments = new_site_session(stage)
    stage.sso.site.start_session(**arguments)
    return {**{name: arguments[name] for name in ("cid", "subdomain", "identity_token")}, **CONTEXT}


CALLS: dict[str, tuple[Callable[[Stage], Arguments], type]] = {
    "user.create_user": (new_user, str),
    "user.create": (new_user, str),
    "user.create_super_user": (new_user, str),
    "user.ensure_super_user": (ensured, str),
    "user.signup": (sign_up, str),
    "user.confirm_signup": (confirm_sign_up, type(None)),
    "user.confirm_email": (confirm_email, type(None)),
    "user.resend_confirmation": (resend, type(None)),
    "user.approve_user": (decision, type(None)),
    "user.approve": (decision, type(None)),
    "user.reject_user": (decision, type(None)),
    "user.reject": (decision, type(None)),
    "user.lock_user": (lock, type(None)),
    "user.unlock_user": (lock, type(None)),
    "user.login": (login, SessionInfo),
    "user.logout": (logout, type(None)),
    "user.get_current_user": (current_user, User),
    "user.get_user_by_id": (user_by_id, User),
    "user.get_user_by_username": (user_by_username, User),
    "user.search": (search, dict),
    "user.update_current_user": (update_oneself, type(None)),
    "user.update_user_by_id": (update_by_id, type(None)),
    "user.update": (update, type(None)),
    "user.delete_user_by_id": (delete_by_id, type(None)),
    "user.delete_user_by_username": (delete_by_username, type(None)),
    "user.delete": (decision, type(None)),
    "user.change_password": (change_password, type(None)),
    "user.set_password": (set_password, type(None)),
    "user.validate_password": (validate_password, type(None)),
    "user.reset_totp_key": (reset_totp_key, str),
    "user.create_linked_auth": (new_link, tuple),
    "user.get_linked_auth_list": (link_list, list),
    "user.delete_linked_auth": (link, int),
    "user.get_user_by_linked_auth": (linked_user, User),
    "session.verify": (target, bool),
    "session.renew": (renew, datetime),
    "session.get": (target_session, Session),
    "session.get_list": (session_list, list),
    "session.reauthenticate": (reauthenticate, type(None)),
    "session.end": (session_to_end, type(None)),
    "session.end_all": (sessions_to_end, int),
    "password_reset.create_token": (reset_request, type(None)),
    "password_reset.access_token": (reset_token, AccessTokenCtx),
    "password_reset.change_password": (reset_key, type(None)),
    "session.get_current_session": (current_session, Session),
    "session.require_super_user": (super_users_session, Session),
    "totp.validate_code": (validate_code, type(None)),
    "totp.provisioning_uri": (own_session, str),
    "group.create": (new_group, dict),
    "group.get": (group, dict),
    "group.get_list": (group_list, list),
    "group.update": (group_change, dict),
    "group.delete": (group, type(None)),
    "group.add_member": (group_member, type(None)),
    "group.remove_member": (group_member, type(None)),
    "group.get_members": (group_members, list),
    "audit.search": (audit_search, dict),
    "client.create": (new_client, dict),
    "client.get": (client, dict),
    "client.get_list": (group_list, list),
    "client.update": (client_change, dict),
    "client.delete": (client, type(None)),
    "client.rotate_secret": (client_secret, dict),
    "totp.begin_enrolment": (own_session, tuple),
    "totp.finish_enrolment": (finish_enrolment, list),
    "totp.disable": (disable_totp, type(None)),
    "user.recovery_code.generate": (recovery_codes, list),
    "user.recovery_code.count": (recovery_codes, int),
    "user.passkey.begin_registration": (new_passkey, dict),
    "user.passkey.finish_registration": (made_passkey, Passkey),
    "user.passkey.begin_login": (passkey_login, dict),
    "user.passkey.finish_login": (used_passkey, SessionInfo),
    "user.passkey.begin_reauthentication": (begin_again, dict),
    "user.passkey.finish_reauthentication": (again, type(None)),
    "user.passkey.get_list": (recovery_codes, list),
    "user.passkey.rename": (other_name, type(None)),
    "user.passkey.delete": (passkey, type(None)),
    "session.on_external_auth_succeeded": (external_auth, SessionInfo),
    "session.get_session_by_ext_id": (external_session, dict),
    "site.create": (new_site, dict),
    "site.get_list": (every_site, list),
    "site.update": (other_uris, dict),
    "site.delete": (site, int),
    "site.start_session": (new_site_session, dict),
    "site.get_session_list": (site_sessions, dict),
    "site.get_session": (site_session, dict),
    "site.get_identity_session": (identity_session, dict),
    "site.end_session": (site_session, type(None)),
    "site.end_identity_session": (identity_session, type(None)),
    "identity.get": (identity, dict),
    "identity.get_list": (user_of_identities, list),
}


def attr(branch: str, call: str) -> Build:
    """Arguments for a call about attributes of somebody else."""

    def build(stage: Stage) -> Arguments:
        someone, ust = stage.newcomer()
        whose = {"user_id": someone.user_id} if branch == "user" else {"target_ust": ust}
        who = {"cid": "cid", **whose, "current_ust": stage.admin, "current_app": APP, "remote_addr": ADDRESS}
        getattr(stage.sso, branch).attr.create(name="there", value="1", **who)
        name = "new" if call.startswith("create") else "there"
        if call in {"names", "to_dict"}:
            return who
        if call in {"get_many", "exists_many", "delete_many"}:
            return {**who, "names": [name]}
        if call in {"get", "exists", "delete"}:
            return {**who, "name": name}
        if call.startswith("set_expiry"):
            what = {"data": [{"name": name}]} if call.endswith("_many") else {"name": name}
            return {**who, **what, "expiration": 60}
        item = {"name": name, "value": "2"}
        return {**who, "data": [item]} if call.endswith("_many") else {**who, **item}

    return build


ONE = ("create", "update", "set", "set_expiry", "get", "exists", "delete")
ATTR_CALLS = (*ONE, *(f"{call}_many" for call in ONE), "names", "to_dict")
