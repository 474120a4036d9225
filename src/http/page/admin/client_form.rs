//! The settings of a client as the fields of a form.

use minijinja::{Value, context};

use crate::domain::{
    AccessTokenFormat, AuthMethod, Client, ClientUpdate, Code, Edit, Error, Grant, Result, SigningAlg,
};
use crate::http::page::form::Fields;
use crate::http::page::visit::Visit;

/// The names of the boxes of a client's grants begin with it.
const GRANT: &str = "grant_";

/// The kinds of clients, by their names.
pub(super) const KINDS: [&str; 4] = ["web", "spa", "native", "service"];

/// The first fields, which are all that a new client is asked for.
const FIRST: [&str; 4] = ["name", "redirect_uris", "post_logout_redirect_uris", "scopes"];

/// Fields of several lines, a value each.
const LINES: [&str; 4] = ["redirect_uris", "post_logout_redirect_uris", "audiences", "own_audiences"];

/// Fields of seconds.
const SECONDS: [&str; 3] = ["access_token_lifetime", "refresh_token_lifetime", "refresh_token_idle"];

/// What a field shows: what is stored, or what was typed before something was found wrong.
struct Shown<'a> {
    visit: &'a Visit,
    form: Option<&'a Fields>,
}

impl Shown<'_> {
    fn field(&self, name: &str, kind: &str, stored: String, options: &[&'static str]) -> Value {
        let value = match self.form {
            Some(form) if kind == "tick" => if form.is_ticked(name) { "1" } else { "" }.to_owned(),
            Some(form) => form.get(name).to_owned(),
            None => stored,
        };
        let hint = self.visit.say(&format!("client-{name}-hint")).unwrap_or_default();
        let is_required = name == "name";
        context! { name, kind, value, options => options.to_vec(), hint, is_required, label => format!("client-{name}") }
    }

    fn tick(&self, name: &str, stored: bool) -> Value {
        self.field(name, "tick", if stored { "1" } else { "" }.to_owned(), &[])
    }

    fn text(&self, name: &str, stored: Option<&String>) -> Value {
        self.field(name, "text", stored.cloned().unwrap_or_default(), &[])
    }

    fn lines(&self, name: &str, stored: &[String]) -> Value {
        self.field(name, "lines", stored.join("\n"), &[])
    }

    fn seconds(&self, name: &str, stored: Option<i64>) -> Value {
        self.field(name, "number", stored.map_or_else(String::new, |seconds| seconds.to_string()), &[])
    }

    fn grant(&self, grant: Grant, client: &Client) -> Value {
        let name = format!("{GRANT}{}", grant.as_str());
        let is_ticked = self.form.map_or_else(|| client.may_use(grant), |form| form.is_ticked(&name));
        context! { name, grant => grant.as_str(), is_ticked }
    }
}

/// The form of a new client; `form` is what was typed.
pub(super) fn new_fields(visit: &Visit, form: Option<&Fields>) -> Value {
    let shown = Shown { visit, form };
    let first = [
        shown.field("kind", "select", "web".to_owned(), &KINDS),
        shown.text("name", None),
        shown.lines("redirect_uris", &[]),
        shown.lines("post_logout_redirect_uris", &[]),
        shown.text("scopes", None),
        shown.tick("is_trusted", false),
    ];
    // When the form was shown first: the client that it makes is made once.
    let first_shown = form.and_then(|form| form.text("shown")).map(str::to_owned);
    let first_shown = first_shown.unwrap_or_else(|| visit.sso().now().to_string());
    context! { first => first.to_vec(), shown => first_shown }
}

/// The form of a client that there is; `form` is what was typed.
pub(super) fn fields(visit: &Visit, client: &Client, form: Option<&Fields>) -> Value {
    let shown = Shown { visit, form };
    let first = [
        shown.text("name", Some(&client.name)),
        shown.lines("redirect_uris", &client.redirect_uris),
        shown.lines("post_logout_redirect_uris", &client.post_logout_redirect_uris),
        shown.text("scopes", Some(&client.scopes.join(" "))),
        shown.tick("is_trusted", client.is_trusted),
        shown.tick("is_active", client.is_active),
    ];
    let methods = [
        AuthMethod::None,
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
        AuthMethod::PrivateKeyJwt,
    ];
    let formats = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];
    let more = [
        shown.field(
            "auth_method",
            "select",
            client.auth_method.as_str().to_owned(),
            &methods.map(AuthMethod::as_str),
        ),
        shown.tick("require_pkce", client.require_pkce),
        shown.text("backchannel_logout_uri", client.backchannel_logout_uri.as_ref()),
        shown.field(
            "id_token_alg",
            "select",
            client.id_token_alg.as_str().to_owned(),
            &SigningAlg::ALL.map(SigningAlg::as_str),
        ),
        shown.field(
            "access_token_format",
            "select",
            client.access_token_format.as_str().to_owned(),
            &formats.map(AccessTokenFormat::as_str),
        ),
        shown.seconds("access_token_lifetime", client.access_token_lifetime),
        shown.seconds("refresh_token_lifetime", client.refresh_token_lifetime),
        shown.seconds("refresh_token_idle", client.refresh_token_idle),
        shown.text("default_audience", client.default_audience.as_ref()),
        shown.lines("audiences", &client.audiences),
        shown.lines("own_audiences", &client.own_audiences),
        shown.text("logo_uri", client.logo_uri.as_ref()),
        shown.text("policy_uri", client.policy_uri.as_ref()),
        shown.text("tos_uri", client.tos_uri.as_ref()),
        shown.text("app", client.app.as_ref()),
        shown.text("pairwise_sector", client.pairwise_sector.as_ref()),
        shown.field("jwks", "lines", client.jwks.clone().unwrap_or_default(), &[]),
        shown.text("jwks_uri", client.jwks_uri.as_ref()),
    ];
    let grants = Grant::ALL.map(|grant| shown.grant(grant, client));
    context! { first => first.to_vec(), more => more.to_vec(), grants => grants.to_vec() }
}

/// Whether a field is one of those that stand behind "more".
pub(super) fn is_more(field: &str) -> bool {
    !FIRST.contains(&field)
}

/// What a form says of a client. Of a new one, what is left empty is what suits its kind.
pub(super) fn update(form: &Fields, is_new: bool) -> Result<ClientUpdate> {
    let text = |name: &str| match (form.has(name), form.text(name)) {
        (false, _) => Edit::Keep,
        (true, Some(value)) => Edit::Set(value.to_owned()),
        (true, None) => Edit::Clear,
    };
    let list = |name: &str| {
        let values = if LINES.contains(&name) { form.get(name).lines().collect() } else { Vec::new() };
        let values: Vec<&str> =
            if name == "scopes" { form.get(name).split_whitespace().collect() } else { values };
        let values = values.into_iter().map(|value| value.trim().to_owned());
        let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
        match form.has(name) && !(is_new && values.is_empty()) {
            true => Edit::Set(values),
            false => Edit::Keep,
        }
    };
    let tick = |name: &str| if is_new { Edit::Keep } else { Edit::Set(form.is_ticked(name)) };
    let [access_token_lifetime, refresh_token_lifetime, refresh_token_idle] = SECONDS;
    let grants = Grant::ALL.map(Grant::as_str).into_iter();
    let grants = grants.filter(|grant| form.is_ticked(&format!("{GRANT}{grant}"))).map(str::to_owned);
    Ok(ClientUpdate {
        name: text("name"),
        redirect_uris: list("redirect_uris"),
        post_logout_redirect_uris: list("post_logout_redirect_uris"),
        backchannel_logout_uri: text("backchannel_logout_uri"),
        scopes: list("scopes"),
        grants: if is_new { Edit::Keep } else { Edit::Set(grants.collect()) },
        auth_method: text("auth_method"),
        jwks: text("jwks"),
        jwks_uri: text("jwks_uri"),
        id_token_alg: text("id_token_alg"),
        access_token_format: text("access_token_format"),
        access_token_lifetime: seconds(form, access_token_lifetime)?,
        refresh_token_lifetime: seconds(form, refresh_token_lifetime)?,
        refresh_token_idle: seconds(form, refresh_token_idle)?,
        default_audience: text("default_audience"),
        audiences: list("audiences"),
        own_audiences: list("own_audiences"),
        is_trusted: Edit::Set(form.is_ticked("is_trusted")),
        require_pkce: tick("require_pkce"),
        app: text("app"),
        logo_uri: text("logo_uri"),
        policy_uri: text("policy_uri"),
        tos_uri: text("tos_uri"),
        pairwise_sector: text("pairwise_sector"),
        is_active: tick("is_active"),
    })
}

fn seconds(form: &Fields, name: &str) -> Result<Edit<i64>> {
    let invalid = || Error::refused(Code::ClientInvalid, format!("{name}: a number of seconds"));
    match (form.has(name), form.text(name)) {
        (false, _) => Ok(Edit::Keep),
        (true, None) => Ok(Edit::Clear),
        (true, Some(text)) => text.parse().map(Edit::Set).map_err(|_| invalid()),
    }
}
