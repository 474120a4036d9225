//! The span of an operation.

use std::sync::Arc;

use crate::config::Apps;
use crate::domain::trace::{self, OpenSpan, Scope, SpanKind, Tracer};
use crate::domain::{Context, Error, Operation};

/// What is recorded of an operation that is under way: below what asks for it, or as a trace of its own.
#[derive(Debug)]
pub(in crate::ops) enum Traced {
    /// Nothing.
    Off,
    /// Nothing, of what it does neither.
    Unrecorded,
    /// A span.
    On(Box<OpenSpan>),
}

impl Traced {
    /// An operation begins. `tracer` takes those that nobody asks for.
    /// An application that is not one of `apps` is a stranger's text, of any length.
    pub fn begin(tracer: Option<&Arc<dyn Tracer>>, ctx: &Context, operation: Operation, apps: &Apps) -> Self {
        let scope = trace::scope().or_else(|| tracer.map(|tracer| Arc::clone(tracer).begin(None)));
        match scope {
            None => Self::Off,
            Some(Scope::Unrecorded) => Self::Unrecorded,
            Some(Scope::Recorded(point)) => {
                let mut span = point.begin(operation.name(), SpanKind::Internal);
                span.text("zato_sso.operation", operation.name());
                span.text("zato_sso.cid", ctx.cid.as_str().to_owned());
                let is_known = apps.all.contains(&ctx.current_app);
                let app = if is_known { &ctx.current_app } else { "unknown" };
                span.text("zato_sso.application", app.to_owned());
                Self::On(Box::new(span))
            }
        }
    }

    /// The scope of what the operation does.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Off => None,
            Self::Unrecorded => Some(Scope::Unrecorded),
            Self::On(span) => span.scope(),
        }
    }

    /// It has ended. What is dropped before that has been abandoned by its caller.
    pub fn ended(&mut self, error: Option<&Error>) {
        let Self::On(span) = self else { return };
        span.text("zato_sso.outcome", error.map_or("ok", Error::kind));
        let Some(error) = error else { return };
        span.text("zato_sso.code", error.code().as_str());
        if error.is_fault() {
            span.fail(error.kind());
        }
    }
}
