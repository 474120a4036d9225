//! A device that shows a code: its user enters it here, and says yes or no.

use minijinja::context;

use crate::domain::{Code, Error};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::consent::scope_texts;
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "device.html";

/// The form for the code, which the device may have put into the address.
pub(super) async fn show(visit: &mut Visit) -> Outcome {
    let user_code = visit.query.text("user_code").filter(|code| code.len() < 32);
    Ok(Answer::page(TEMPLATE, context! { user_code }))
}

/// Takes the code, then the answer.
pub(super) async fn submit(visit: &mut Visit) -> Outcome {
    let user_code = visit.form.text("user_code").unwrap_or_default().to_owned();
    if !visit.sso().config().oidc.is_active() {
        return visit.again(TEMPLATE, context! {}, Error::from(Code::AuthNotAllowed));
    }
    let answer = visit.form.get("answer");
    if !answer.is_empty() {
        let is_yes = answer == "yes";
        return match visit.sso().answer_device(visit.ctx(), visit.ust(), &user_code, is_yes).await {
            Ok(()) => {
                let done = if is_yes { "device-allowed" } else { "device-denied" };
                Ok(Answer::to(visit.target(&format!("account?done={done}"))))
            }
            Err(error) => visit.again(TEMPLATE, context! {}, error),
        };
    }
    match visit.sso().get_device_question(visit.ctx(), visit.ust(), &user_code).await {
        Ok(question) => {
            let client = &question.client;
            let scopes = scope_texts(visit, &question.scopes);
            let shown = context! { user_code, client => &*client.client.name, scopes };
            Ok(Answer::page(TEMPLATE, shown))
        }
        Err(error) => visit.again(TEMPLATE, context! {}, error),
    }
}
