//! Every endpoint under `http.prefix`.

use crate::http::api::endpoint::{Block, Endpoint};
use crate::http::api::{attr, linked_auth, password, search, session, signup, user};

/// Every endpoint under `http.prefix`, block by block.
#[must_use]
pub fn blocks() -> Vec<Block> {
    let block = |name, endpoints| Block { name, endpoints };
    vec![
        block("Users", user::endpoints()),
        block("Sign-up", signup::endpoints()),
        block("Search", search::endpoints()),
        block("Sessions", session::endpoints()),
        block("Attributes", attr::endpoints()),
        block("Password reset", password::endpoints()),
        block("Linked auth", linked_auth::endpoints()),
    ]
}

/// Every endpoint under `http.prefix`.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    blocks().into_iter().flat_map(|block| block.endpoints).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// Operations that REST does not offer, and why.
    const NOT_OFFERED: &[(&str, &str)] = &[
        ("user.attr_set_expiry", "PATCH /user/attr sets it together with the value"),
        ("session.attr_set_expiry", "PATCH /session/attr sets it together with the value"),
        ("user.attr_get_all", "GET /user/attr gets those that GET /user/attr/names lists"),
        ("session.attr_get_all", "GET /session/attr gets those that GET /session/attr/names lists"),
        ("session.end_of_user", "for the command line"),
        ("user.import", "for the command line"),
        ("user.export", "for the command line"),
        ("session.list_of_user", "for the command line; REST has GET /user/session/list"),
        ("user.create_super_user", "the role is given from the command line and in-process only"),
        ("user.delete_by_username", "for trusted callers in the same process, and the command line"),
        ("user.get_by_username", "for trusted callers in the same process"),
        ("user.list_expiring_passwords", "for the command line"),
        ("user.set_password", "for trusted callers in the same process"),
        ("session.get_current", "for callers in the same process; GET /user/session tells the same"),
        ("session.require_super_user", "for callers in the same process"),
        ("totp.validate_code", "for callers in the same process; POST /user/login takes a code"),
        ("totp.provisioning_uri", "for callers in the same process, which show it to the user"),
        ("user.list", "for the command line; REST has the search"),
        ("user.get_by_linked_auth", "the documented REST API has no such call"),
        ("session.authenticate", "every endpoint that takes a session does it, by the header Authorization"),
        ("session.on_external_auth_succeeded", "for trusted callers in the same process"),
        ("session.get_by_ext_id", "for trusted callers in the same process"),
        ("sec_def.create", "for the command line"),
        ("sec_def.get", "for the command line"),
        ("sec_def.list", "for the command line"),
        ("sec_def.delete", "for the command line"),
        ("identity.get", "for trusted callers in the same process; sites have GET /identities"),
        ("identity.list", "for trusted callers in the same process"),
        ("site.act_as", "for trusted callers in the same process"),
        ("site.authenticate", "every request of the sessions API does it"),
        ("site.check_browser", "GET /sso/check of the browser half"),
        ("site.create", "for trusted callers: the command line, and in the same process"),
        ("site.create_user", "POST /storage/users of the sessions API"),
        ("site.delete", "for trusted callers"),
        ("site.end_session", "DELETE /sso/sessions of the sessions API"),
        ("site.end_session_of_identity", "DELETE /sso/sessions/identities of the sessions API"),
        ("site.get_identity", "GET /identities of the sessions API"),
        ("site.get_session", "GET /sso/sessions of the sessions API"),
        ("site.get_session_of_identity", "GET /sso/sessions/identities of the sessions API"),
        ("site.get_user", "GET /users of the sessions API"),
        ("site.list", "for trusted callers"),
        ("site.list_sessions", "GET /sso/sessions of the sessions API"),
        ("site.list_users", "GET /users of the sessions API"),
        ("site.look_up_user", "POST /storage/users/user/lookup of the sessions API"),
        ("site.redeem_connection", "GET /connections of the sessions API"),
        ("site.register_browser", "POST /sso/register of the browser half"),
        ("site.start_session", "PUT /sso/sessions/identities of the sessions API"),
        ("site.update", "for trusted callers"),
        ("site.update_user", "PUT /storage/users of the sessions API"),
    ];

    /// What the names of operations begin with.
    const BLOCKS: &[&str] = &["user", "session", "totp", "password_reset", "sec_def", "site", "identity"];

    /// The names of operations as they stand in the source of `ops`.
    fn operations() -> BTreeSet<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops");
        let is_name = |text: &str| {
            let name = BLOCKS.iter().find_map(|block| text.strip_prefix(block)?.strip_prefix('.'));
            name.is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        };
        let mut found = BTreeSet::new();
        for file in fs::read_dir(folder).unwrap() {
            let source = fs::read_to_string(file.unwrap().path()).unwrap();
            found.extend(source.split('"').filter(|text| is_name(text)).map(str::to_owned));
        }
        found
    }

    #[test]
    fn every_operation_has_an_endpoint_or_a_reason() {
        let offered: BTreeSet<String> = endpoints()
            .iter()
            .flat_map(|endpoint| endpoint.operations)
            .map(|name| (*name).to_owned())
            .collect();
        let not_offered: BTreeSet<String> = NOT_OFFERED.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(offered.intersection(&not_offered).count(), 0);
        assert_eq!(offered.union(&not_offered).cloned().collect::<BTreeSet<_>>(), operations());
    }

    #[test]
    fn the_table_of_endpoints() {
        let line = |endpoint: &Endpoint| {
            let names = |is_required| {
                let listed = endpoint.elements.iter().filter(|element| element.is_required == is_required);
                listed.map(|element| element.name).collect::<Vec<_>>().join(", ")
            };
            format!("{} {}: {} [{}]", endpoint.method, endpoint.path, names(true), names(false))
        };
        let table: Vec<String> = endpoints().iter().map(line).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        POST /user/login: username, password [totp_code, new_password, remote_addr, user_agent]
        POST /user/logout: ust []
        GET /user: ust [user_id]
        POST /user: ust, username [password, password_must_change, display_name, first_name, middle_name, last_name, email, is_locked, sign_up_status, is_totp_enabled, totp_key, totp_label, is_rate_limit_active, rate_limit_def, auto_approve]
        PATCH /user: ust [user_id, username, email, display_name, first_name, middle_name, last_name, is_totp_enabled, totp_label, totp_key, is_locked, password_expiry, password_must_change, sign_up_status, approval_status, is_rate_limit_active, rate_limit_def]
        DELETE /user: ust, user_id []
        POST /user/approve: ust, user_id []
        POST /user/reject: ust, user_id []
        POST /user/lock: ust, user_id []
        DELETE /user/lock: ust, user_id []
        PATCH /user/password: ust, new_password [old_password, user_id, password_expiry, must_change]
        PATCH /user/totp: ust [user_id, totp_key, totp_label]
        POST /user/signup: username, password, app_list [email]
        PATCH /user/signup: confirm_token []
        POST /user/signup/confirm: confirm_token []
        GET /user/search: ust [user_id, username, email, display_name, first_name, middle_name, last_name, sign_up_status, approval_status, paginate, cur_page, page_size, name_op, is_name_exact]
        POST /user/session: target_ust, current_ust []
        PATCH /user/session: ust []
        GET /user/session: target_ust, current_ust []
        GET /user/session/list: ust [target_ust]
        POST /user/attr: ust [user_id, name, value, data, expiration, encrypt]
        PATCH /user/attr: ust [user_id, name, value, data, expiration, encrypt]
        PUT /user/attr: ust [user_id, name, value, data, expiration, encrypt]
        DELETE /user/attr: ust [user_id, name, data]
        GET /user/attr: ust [user_id, name, data, decrypt]
        GET /user/attr/exists: ust [user_id, name, data]
        GET /user/attr/names: ust [user_id]
        POST /session/attr: target_ust, current_ust [name, value, data, expiration, encrypt]
        PATCH /session/attr: target_ust, current_ust [name, value, data, expiration, encrypt]
        PUT /session/attr: target_ust, current_ust [name, value, data, expiration, encrypt]
        DELETE /session/attr: target_ust, current_ust [name, data]
        GET /session/attr: target_ust, current_ust [name, data, decrypt]
        GET /session/attr/exists: target_ust, current_ust [name, data]
        GET /session/attr/names: target_ust, current_ust []
        POST /password/reset: credential []
        PATCH /password/reset: token []
        DELETE /password/reset: token, reset_key, password []
        POST /user/linked: ust, user_id, auth_type, auth_username [is_active]
        GET /user/linked: ust [user_id]
        DELETE /user/linked: ust, user_id, auth_type, auth_username []
        ");
    }

    #[test]
    fn no_element_is_listed_twice() {
        for endpoint in endpoints() {
            let names: BTreeSet<&str> = endpoint.elements.iter().map(|element| element.name).collect();
            assert_eq!(names.len(), endpoint.elements.len(), "{} {}", endpoint.method, endpoint.path);
        }
    }
}
