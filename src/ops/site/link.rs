//! The identities that a site has made: listing them, deleting them, and having them be another user's.

use crate::domain::{
    Code, Context, Error, Identity, Operation, Page, PageRequest, Result, Site, random_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::site::identity::{has_made, no_such_identity};
use crate::ops::site::profile::Told;
use crate::ops::site::session::check_page;
use crate::ops::site::user::{made_by, row_by_user_token};
use crate::store;
use crate::store::Tx;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::UserRow;

impl Sso {
    /// The identities that the site has made, by the time they were made at, without their profiles; all for a trusted site.
    ///
    /// # Errors
    /// E008002 for a page that there cannot be.
    pub async fn list_site_identities(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        request: PageRequest,
    ) -> Result<Page<Identity>> {
        self.run(ctx, Operation::SiteListIdentities, actor, async |call| {
            let site = call.site()?;
            check_page(request)?;
            let mut conn = self.db().read().await?;
            let page = store::site::identity::page(&mut conn, request, made_by(&site), self.now()).await?;
            drop(conn);
            page.try_map(|row| self.open_identity(row))
        })
        .await
    }

    /// Deletes an identity that the site has made, and ends its sessions. The user stays, with an empty identity if there is
    /// no other of the site's.
    ///
    /// # Errors
    /// E001100 if there is no such identity, or for this site none; E005001 if a trusted site has not made it, or for one of a
    /// super-user.
    pub async fn delete_site_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::SiteDeleteIdentity, actor, async |call| {
            let site = call.site()?;
            let before = self.own_identity(&site, identity_token).await?;
            call.trail.on(&before.user_id);
            let mut tx = self.db().write().await?;
            let (row, own) = self.hold_own(&mut tx, &site, &before.user_id).await?;
            let identity = held(&own, &before)?;
            call.trail.note("identity_token", identity.identity_token.to_string());
            let ended =
                store::site::session::delete_all_of_identity(&mut tx, identity.identity_token).await?;
            call.trail.note("sessions_ended", ended.to_string());
            store::site::identity::delete(&mut tx, identity.identity_token).await?;
            self.leave_behind(&mut tx, &site, &row, identity).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Has an identity that the site has made be that of another user that the site has made, and ends its sessions. The
    /// former user stays, with an empty identity if there is no other of the site's, and keeps the external id.
    ///
    /// # Errors
    /// As [`Sso::delete_site_identity`]; the same goes for the other user. E008001 if the identity has become another user's
    /// meanwhile.
    pub async fn link_site_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
        user_token: &str,
    ) -> Result<Identity> {
        self.run(ctx, Operation::SiteLinkIdentity, actor, async |call| {
            let site = call.site()?;
            let before = self.own_identity(&site, identity_token).await?;
            let mut conn = self.db().read().await?;
            let target = row_by_user_token(&mut conn, &site, user_token).await?;
            call.trail.on(&target.user_id);
            self.check_own(&mut conn, &site, &target).await?;
            drop(conn);
            let mut tx = self.db().write().await?;
            // Always in the same order: two that are linked to each other's users do not wait for each other.
            let mut user_ids = [&before.user_id, &target.user_id];
            user_ids.sort_by_key(|user_id| user_id.as_str());
            let mut former = None;
            for user_id in user_ids {
                let (row, own) = self.hold_own(&mut tx, &site, user_id).await?;
                if *user_id == before.user_id {
                    former = Some((row, held(&own, &before)?.clone()));
                }
            }
            let (row, identity) = former.ok_or_else(no_such_identity)?;
            call.trail.note("identity_token", identity.identity_token.to_string());
            call.trail.note("former_user_id", row.user_id.as_str());
            if before.user_id != target.user_id {
                let token = identity.identity_token;
                let ended = store::site::session::delete_all_of_identity(&mut tx, token).await?;
                call.trail.note("sessions_ended", ended.to_string());
                store::site::identity::move_to(&mut tx, token, &target.user_id, self.now()).await?;
                self.leave_behind(&mut tx, &site, &row, &identity).await?;
            }
            let linked = store::site::identity::by_token(&mut tx, identity.identity_token).await?;
            let linked = self.open_identity(linked.ok_or_else(no_such_identity)?)?;
            self.commit(tx, &mut call.trail).await?;
            Ok(linked)
        })
        .await
    }

    /// Has the user of an identity that the site has made take from its profile what they do not have yet.
    ///
    /// # Errors
    /// As [`Sso::delete_site_identity`], and a code of an email that is not acceptable.
    pub async fn synchronize_site_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
        updates_user: bool,
    ) -> Result<Identity> {
        self.run(ctx, Operation::SiteSynchronizeIdentity, actor, async |call| {
            let site = call.site()?;
            let before = self.own_identity(&site, identity_token).await?;
            call.trail.on(&before.user_id);
            let mut tx = self.db().write().await?;
            let (mut row, own) = self.hold_own(&mut tx, &site, &before.user_id).await?;
            let identity = self.open_identity(held(&own, &before)?.clone())?;
            if let Some(profile) = identity.profile.as_ref().filter(|_| updates_user) {
                let former = row.clone();
                self.fill(&mut row, &before.user_id, Told::read(profile))?;
                self.write_user(&mut tx, &former, &row).await?;
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(identity)
        })
        .await
    }

    /// An identity that is the site's own to change. Others do not exist for it, unless it is trusted: then it sees them.
    async fn own_identity(&self, site: &Site, identity_token: &str) -> Result<IdentityRow> {
        let found = self.identity_row(identity_token).await?;
        let row = found.filter(|row| has_made(site, row.site_id)).ok_or_else(no_such_identity)?;
        if row.site_id == Some(site.site_id) { Ok(row) } else { Err(Code::AuthNotAllowed.into()) }
    }

    /// Gives a user, of whom an identity has just gone, an empty one if there is no other that the site has made: whom it has
    /// made it goes on to know. The external id stays with the user.
    async fn leave_behind(&self, tx: &mut Tx, site: &Site, row: &UserRow, gone: &IdentityRow) -> Result<()> {
        if store::site::identity::of_site(tx, &row.user_id, site.site_id).await?.is_empty() {
            let identity_token = random_uuid(self.random())?;
            let first = IdentityRow::first(row, identity_token, self.now());
            let empty = IdentityRow { site_id: Some(site.site_id), ..first };
            store::site::identity::insert(tx, &empty).await?;
        }
        match &gone.external_id {
            Some(external_id) => {
                self.set_external_id(tx, &row.user_id, site, Some(external_id.clone())).await
            }
            None => Ok(()),
        }
    }
}

/// The identity among those of a user who is locked now.
fn held<'a>(own: &'a [IdentityRow], before: &IdentityRow) -> Result<&'a IdentityRow> {
    let is_it = |identity: &&IdentityRow| identity.identity_token == before.identity_token;
    own.iter().find(is_it).ok_or_else(|| {
        Error::refused(Code::CommonInvalidOperation, "identity_token: it has changed meanwhile, try again")
    })
}
