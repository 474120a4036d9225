//! Every endpoint under `http.prefix`.

use crate::http::api::endpoint::{Block, Endpoint};
use crate::http::api::{
    attr, audit, client, credential, grant, group, linked_auth, passkey, password, search, session, signup,
    user,
};

/// Every endpoint under `http.prefix`, block by block.
#[must_use]
pub fn blocks() -> Vec<Block> {
    let block = |name, endpoints| Block { name, endpoints };
    vec![
        block("Users", user::endpoints()),
        block("Second factor", credential::endpoints()),
        block("Passkeys", passkey::endpoints()),
        block("Sign-up", signup::endpoints()),
        block("Search", search::endpoints()),
        block("Sessions", session::endpoints()),
        block("Attributes", attr::endpoints()),
        block("Password reset", password::endpoints()),
        block("Groups", group::endpoints()),
        block("Audit", audit::endpoints()),
        block("OpenID clients", client::endpoints()),
        block("Applications with access", grant::endpoints()),
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
    use std::collections::{BTreeSet, HashSet};

    use super::*;
    use crate::domain::{Face, Operation};

    /// Has no endpoint of its own: every endpoint that takes a session does it, by the header `Authorization`.
    const BY_THE_HEADER: Operation = Operation::SessionAuthenticate;

    #[test]
    fn every_operation_has_an_endpoint_or_a_reason() {
        let offered: HashSet<Operation> = endpoints()
            .iter()
            .flat_map(|endpoint| endpoint.operations)
            .copied()
            .chain([BY_THE_HEADER])
            .collect();
        for operation in Operation::ALL {
            let is_listed = operation.faces().contains(&Face::Rest);
            assert_eq!(offered.contains(operation), is_listed, "{}", operation.name());
            assert_eq!(operation.why_not_rest().is_empty(), is_listed, "{}", operation.name());
        }
    }

    #[test]
    fn every_endpoint_calls_an_operation() {
        for endpoint in endpoints() {
            assert!(!endpoint.operations.is_empty(), "{endpoint:?}");
        }
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
        POST /user/login: username, password [totp_code, new_password, device_token, remote_addr, user_agent]
        POST /user/logout: ust []
        GET /user: ust [user_id]
        POST /user: ust, username [password, password_must_change, display_name, first_name, middle_name, last_name, email, is_locked, sign_up_status, is_totp_enabled, totp_key, totp_label, is_rate_limit_active, rate_limit_def, auto_approve]
        PATCH /user: ust [user_id, totp_code, username, email, display_name, first_name, middle_name, last_name, is_totp_enabled, totp_label, totp_key, is_locked, is_super_user, password_expiry, password_must_change, sign_up_status, approval_status, is_rate_limit_active, rate_limit_def]
        DELETE /user: ust, user_id []
        POST /user/approve: ust, user_id []
        POST /user/reject: ust, user_id []
        POST /user/lock: ust, user_id []
        DELETE /user/lock: ust, user_id []
        PATCH /user/password: ust, new_password [old_password, user_id, password_expiry, must_change]
        PATCH /user/totp: ust [user_id, totp_key, totp_label]
        POST /user/totp/enrolment: ust []
        PATCH /user/totp/enrolment: ust, totp_code []
        DELETE /user/totp: ust [password, totp_code]
        POST /user/recovery-code: ust [user_id]
        GET /user/recovery-code: ust [user_id]
        POST /user/passkey/options: ust [name]
        POST /user/passkey: ust, response []
        GET /user/passkey: ust [user_id]
        PATCH /user/passkey: ust, passkey_id, name []
        DELETE /user/passkey: ust, passkey_id [user_id]
        POST /user/login/passkey/options:  [username]
        POST /user/login/passkey: response []
        POST /user/session/fresh/passkey/options: ust []
        POST /user/session/fresh/passkey: ust, response []
        POST /user/signup: username, password, app_list [email, display_name, first_name, middle_name, last_name]
        PATCH /user/signup: confirm_token []
        POST /user/signup/confirm: confirm_token []
        POST /user/email/confirm: confirm_token []
        POST /user/signup/resend: credential []
        GET /user/search: ust [user_id, username, email, display_name, first_name, middle_name, last_name, sign_up_status, approval_status, group, paginate, cur_page, page_size, name_op, is_name_exact]
        POST /user/session: target_ust, current_ust []
        PATCH /user/session: ust []
        POST /user/session/fresh: ust, password [totp_code]
        GET /user/session: target_ust, current_ust []
        GET /user/session/list: ust [target_ust]
        DELETE /user/session: ust, session_id []
        DELETE /user/session/list: ust [user_id, except_current]
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
        POST /group: ust, name [display_name, description, scopes, can_manage_users, can_read_audit]
        GET /group: ust, group_id []
        GET /group/list: ust []
        PATCH /group: ust, group_id [name, display_name, description, scopes, can_manage_users, can_read_audit]
        DELETE /group: ust, group_id []
        POST /group/member: ust, group_id, user_id []
        DELETE /group/member: ust, group_id, user_id []
        GET /group/member: ust, group_id [after, limit]
        GET /audit: ust [time_from, time_before, op, result, user_id, cid, remote_addr, after, limit]
        POST /client: ust, kind [name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, grants, auth_method, jwks, jwks_uri, id_token_alg, access_token_format, access_token_lifetime, refresh_token_lifetime, refresh_token_idle, default_audience, audiences, own_audiences, is_trusted, require_pkce, app, logo_uri, policy_uri, tos_uri, pairwise_sector, is_active]
        GET /client: ust, client_id []
        GET /client/list: ust []
        PATCH /client: ust, client_id [name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, grants, auth_method, jwks, jwks_uri, id_token_alg, access_token_format, access_token_lifetime, refresh_token_lifetime, refresh_token_idle, default_audience, audiences, own_audiences, is_trusted, require_pkce, app, logo_uri, policy_uri, tos_uri, pairwise_sector, is_active]
        DELETE /client: ust, client_id []
        POST /client/secret: ust, client_id [keep_old_for]
        GET /user/grant: ust [user_id]
        DELETE /user/grant: ust, client_id [user_id]
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
