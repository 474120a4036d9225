//! Every page.

use std::sync::Arc;

use axum::Router;

use crate::http::app::App;
use crate::http::page::account::{
    self, application, data, delete, email, passkey as own_passkey, profile, session, two_factor,
};
use crate::http::page::admin::{
    audit, client, clients, group, groups, health, keys, sec_defs, sites, user, users,
};
use crate::http::page::look::Look;
use crate::http::page::serve::{Need, Page, logo};
use crate::http::page::{consent, device, login, passkey, password, signup};

/// Makes the list of pages. A page shows something, takes a form, or both; the future of each is boxed, so that the type of it
/// ends here.
macro_rules! pages {
    (@handler) => { None };
    (@handler $handler:path) => { Some(|visit| Box::pin($handler(visit))) };
    ($($path:literal $need:ident $has_token:literal [$($show:path)?] [$($submit:path)?];)+) => {
        static PAGES: &[Page] = &[$(Page {
            path: $path,
            need: Need::$need,
            has_token: $has_token,
            show: pages!(@handler $($show)?),
            submit: pages!(@handler $($submit)?),
        }),+];
    };
}

// Path, who may come, whether a token is about, what shows it, what takes its form.
pages! {
    "/login" Nothing false [login::show] [login::submit];
    "/login/code" Nothing false [login::show_code] [login::submit_code];
    "/login/code/passkey" Nothing false [] [passkey::submit_second];
    "/login/code/passkey/options" Nothing false [] [passkey::second_options];
    "/login/passkey" Nothing false [] [passkey::submit];
    "/login/passkey/options" Nothing false [] [passkey::options];
    "/login/password" Nothing false [login::show_password] [login::submit_password];
    "/logout" Session false [login::show_logout] [login::submit_logout];
    "/consent" Session false [consent::show] [consent::submit];
    "/device" Session false [device::show] [device::submit];
    "/signup" Nothing false [signup::show] [signup::submit];
    "/signup/done" Nothing false [signup::show_done] [];
    "/signup/resend" Nothing false [signup::show_resend] [signup::submit_resend];
    "/signup/confirm" Nothing true [signup::show_confirm] [signup::submit_confirm];
    "/email/confirm" Nothing true [signup::show_email] [signup::submit_email];
    "/password/forgot" Nothing false [password::show_forgot] [password::submit_forgot];
    "/password/sent" Nothing false [password::show_sent] [];
    "/password/reset" Nothing true [password::show_reset] [password::submit_reset];
    "/account" Session false [profile::show] [profile::submit];
    "/account/email" Session false [email::show] [email::submit];
    "/account/password" Session false [account::password::show] [account::password::submit];
    "/account/passkeys" Session false [own_passkey::show] [own_passkey::submit];
    "/account/passkeys/add" Session false [] [own_passkey::add];
    "/account/passkeys/options" Session false [] [own_passkey::options];
    "/account/two-factor" Session false [two_factor::show] [];
    "/account/two-factor/set-up" Session false [] [two_factor::begin];
    "/account/two-factor/finish" Session false [] [two_factor::finish];
    "/account/two-factor/disable" Session false [] [two_factor::disable];
    "/account/two-factor/codes" Session false [] [two_factor::codes];
    "/account/applications" Session false [application::show] [application::submit];
    "/account/sessions" Session false [session::show] [session::submit];
    "/account/delete" Session false [delete::show] [delete::submit];
    "/account/data" Session false [] [data::submit];
    "/admin" UserManager false [users::show] [];
    "/admin/user/{user_id}" UserManager false [user::show] [user::submit];
    "/admin/groups" SuperUser false [groups::show] [groups::submit];
    "/admin/group/{group_id}" SuperUser false [group::show] [group::submit];
    "/admin/clients" SuperUser false [clients::show] [];
    "/admin/clients/new" SuperUser false [clients::show_new] [clients::submit_new];
    "/admin/client/{client_id}" SuperUser false [client::show] [client::submit];
    "/admin/sites" SuperUser false [sites::show] [];
    "/admin/audit" AuditReader false [audit::show] [];
    "/admin/definitions" SuperUser false [sec_defs::show] [];
    "/admin/keys" SuperUser false [keys::show] [];
    "/admin/health" SuperUser false [health::show] [];
}

/// The routes of all pages, which look like this.
pub(in crate::http) fn routes(look: &Arc<Look>, prefix: &str) -> Router<Arc<App>> {
    let router = PAGES.iter().fold(Router::new(), |router, page| page.route(router, look, prefix));
    router.route(&format!("{prefix}/logo"), logo(look))
}
