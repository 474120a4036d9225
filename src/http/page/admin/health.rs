//! Whether the server can do its work, and what it counts.

use minijinja::{Value, context};

use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::Sample;

fn sample(one: &Sample) -> Value {
    context! { name => &*one.name, about => &*one.about, labels => &*one.labels, value => &*one.value }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let state = visit.sso().get_server_state(visit.ctx(), visit.actor()).await?;
    let shown = context! {
        trouble => state.trouble,
        version => state.version,
        database => state.database,
        schema => state.schema,
        samples => state.samples.iter().map(sample).collect::<Vec<_>>(),
    };
    Ok(Answer::page("admin_health.html", shown))
}
