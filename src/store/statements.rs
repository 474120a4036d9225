//! Every statement of the product, for the test that prepares each on both databases.

use crate::store::{
    access, attr, audit, client, credential, db, group, import, linked_auth, mail, maintenance, password,
    session, site, user,
};

/// Every statement of the product: name and text.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    [
        attr::USER_STATEMENTS,
        attr::SESSION_STATEMENTS,
        attr::TOGETHER_STATEMENTS,
        audit::STATEMENTS,
        audit::chain::STATEMENTS,
        audit::export::STATEMENTS,
        site::browser::STATEMENTS,
        client::access_token::STATEMENTS,
        client::authorization::STATEMENTS,
        client::device::STATEMENTS,
        client::grant::STATEMENTS,
        client::notice::STATEMENTS,
        client::pushed::STATEMENTS,
        client::registration::STATEMENTS,
        client::registry::STATEMENTS,
        client::secret::STATEMENTS,
        client::signing_key::STATEMENTS,
        client::used_jwt::STATEMENTS,
        credential::enrolment::STATEMENTS,
        credential::passkey::STATEMENTS,
        credential::passkey_ceremony::STATEMENTS,
        credential::recovery_code::STATEMENTS,
        maintenance::doctor::STATEMENTS,
        maintenance::sealed::STATEMENTS,
        site::identity::STATEMENTS,
        group::STATEMENTS,
        import::users::STATEMENTS,
        &import::users::repeated_statements(),
        maintenance::cleanup::STATEMENTS,
        password::expiry::STATEMENTS,
        linked_auth::link::STATEMENTS,
        mail::outbox::STATEMENTS,
        password::history::STATEMENTS,
        password::reset::STATEMENTS,
        session::client::STATEMENTS,
        session::device::STATEMENTS,
        session::proof::STATEMENTS,
        session::renewal::STATEMENTS,
        linked_auth::sec_def::STATEMENTS,
        session::record::STATEMENTS,
        db::setting::STATEMENTS,
        user::browse::STATEMENTS,
        user::email_change::STATEMENTS,
        user::name::STATEMENTS,
        user::profile::STATEMENTS,
        user::signup::STATEMENTS,
        site::registry::STATEMENTS,
        site::session::STATEMENTS,
        access::STATEMENTS,
        user::account::STATEMENTS,
    ]
    .concat()
}
