//! The keys: those that sign tokens, and those that encrypt what is secret in the database.

use minijinja::{Value, context};

use crate::domain::SigningKeyInfo;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::{Envelopes, SealedBy};

fn signing_key(visit: &Visit, key: &SigningKeyInfo) -> Value {
    let now = visit.sso().now();
    let has_passed = |time: Option<crate::domain::Timestamp>| time.is_some_and(|time| time <= now);
    let state = match key {
        key if has_passed(key.expiration_time) => "key-expired",
        key if has_passed(key.retirement_time) => "key-retired",
        key if key.activation_time > now => "key-waiting",
        _ => "key-signing",
    };
    context! {
        kid => &*key.kid,
        alg => key.alg.as_str(),
        state,
        created => key.creation_time.to_string(),
        from => key.activation_time.to_string(),
        until => key.retirement_time.map(|time| time.to_string()),
        published => key.expiration_time.map(|time| time.to_string()),
    }
}

fn envelopes(one: &Envelopes) -> Value {
    let (key, state) = match &one.by {
        SealedBy::Active(key) => (Some(key.to_string()), "key-active"),
        SealedBy::Other(key) => (Some(key.to_string()), "key-older"),
        SealedBy::Missing(key) => (Some(key.to_string()), "key-missing"),
        SealedBy::Nothing => (None, "key-none"),
    };
    context! { place => one.place, key, state, count => one.count }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let (sso, ctx) = (visit.sso(), visit.ctx());
    let signing = sso.list_signing_keys(ctx, visit.actor()).await?;
    let is_counted = visit.query.is_ticked("count");
    let state = sso.get_keyring_state(ctx, visit.actor(), is_counted).await?;
    let active = state.keys.first().map(ToString::to_string);
    let others: Vec<String> = state.keys.iter().skip(1).map(ToString::to_string).collect();
    let shown = context! {
        signing => signing.iter().map(|key| signing_key(visit, key)).collect::<Vec<_>>(),
        is_off => !sso.config().oidc.is_active(),
        active,
        others,
        is_counted,
        envelopes => state.envelopes.iter().map(envelopes).collect::<Vec<_>>(),
    };
    Ok(Answer::page("admin_keys.html", shown))
}
