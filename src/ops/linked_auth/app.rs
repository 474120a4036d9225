//! Applications that prove over REST who they are, with a security definition that is bound to them.

use crate::domain::{Code, Context, Operation, Result};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::linked_auth::identify::{ExternalCredential, Identified};

impl Sso {
    /// Checks that a request comes from its application, to which definitions are bound: it has authenticated with one of
    /// them, linked to a user or not.
    ///
    /// # Errors
    /// E005001 without such a credential; E005009 while the delay after wrong ones lasts.
    pub async fn prove_app(&self, ctx: &Context, credential: Option<&ExternalCredential>) -> Result<()> {
        let credential = credential.cloned();
        self.to_the_end(ctx, |sso, ctx| async move { sso.check_proof(&ctx, credential.as_ref()).await }).await
    }

    async fn check_proof(&self, ctx: &Context, credential: Option<&ExternalCredential>) -> Result<()> {
        self.run(ctx, Operation::SessionAuthenticate, Actor::Anonymous, async |call| {
            let bound = self.config().apps.credentials.get(&ctx.current_app).ok_or(Code::AuthNotAllowed)?;
            let credential = credential.ok_or(Code::AuthNotAllowed)?;
            let Identified { sec_type, row, attempt, has_failures, .. } =
                self.identify(ctx, credential).await?;
            if !row.is_active || !bound.contains(&format!("{}.{}", sec_type.as_str(), row.name)) {
                return Err(Code::AuthNotAllowed.into());
            }
            self.conclude_attempt(&attempt, has_failures).await?;
            // What the request is about has an entry of its own.
            call.trail.leave_out();
            Ok(())
        })
        .await
    }
}
