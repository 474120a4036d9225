//! Consent: an application asks for something, and its user says yes or no.

use minijinja::{Value, context};

use crate::domain::Parameters;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::serve::client_problem;
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "consent.html";

/// What scopes mean, in words where there are some.
pub(in crate::http::page) fn scope_texts(visit: &Visit, scopes: &[String]) -> Vec<Value> {
    let text = |scope: &String| {
        let is_id = scope.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let text = if is_id { visit.say(&format!("scope-{scope}")) } else { None };
        context! { name => &**scope, text }
    };
    scopes.iter().map(text).collect()
}

/// The request of the application, as a query string: of the address, or of the form.
fn request(visit: &Visit) -> String {
    let sent = [visit.form.get("request"), visit.query.get("request")];
    sent.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

pub(super) async fn show(visit: &mut Visit) -> Outcome {
    let request = request(visit);
    let question = match Parameters::read(request.as_bytes()) {
        Ok(parameters) => visit.sso().get_consent_question(visit.ctx(), visit.ust(), parameters).await,
        Err(error) => Err(error),
    };
    let question = match question {
        Ok(question) => question,
        Err(error) => return Ok(client_problem(visit, error)),
    };
    let client = &question.client;
    let next = format!("{}/oauth2/authorize?{request}", visit.sso().config().oidc.path());
    let other = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("again", "1")
        .append_pair("next", &next)
        .finish();
    let shown = context! {
        request => &*request,
        client => &*client.name,
        target => &*question.target,
        scopes => scope_texts(visit, &question.scopes),
        has_new => !question.new_scopes.is_empty(),
        policy_uri => client.policy_uri.as_deref(),
        tos_uri => client.tos_uri.as_deref(),
        other,
    };
    Ok(Answer::page(TEMPLATE, shown))
}

/// Takes the answer, and goes on to where the browser came from.
pub(super) async fn submit(visit: &mut Visit) -> Outcome {
    let is_yes = visit.form.get("answer") == "yes";
    let onward = match Parameters::read(request(visit).as_bytes()) {
        Ok(parameters) => visit.sso().answer_consent(visit.ctx(), visit.ust(), parameters, is_yes).await,
        Err(error) => Err(error),
    };
    match onward {
        Ok(query) => Ok(Answer::to(format!("{}/oauth2/authorize?{query}", visit.sso().config().oidc.path()))),
        Err(error) => Ok(client_problem(visit, error)),
    }
}
