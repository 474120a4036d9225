//! Looking users up for sites: by what they are known by, with their password or without.

use uuid::Uuid;

use crate::crypto::token;
use crate::domain::{Code, Context, Error, Operation, Password, Result, Site};
use crate::ops::LoginRequest;
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::access::throttle::Origin;
use crate::ops::session::login::Authenticated;
use crate::ops::site::identity::parse_token;
use crate::ops::site::user::{
    NewSiteUser, SiteUser, SiteUserUpdate, check_external_id, made_by, no_such_user, row_by_user_token,
};
use crate::store;
use crate::store::Conn;
use crate::store::session::device::NewDevice;
use crate::store::user::account::{HeldUser, UserRow};

/// What a site knows a user by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserKey {
    /// The username.
    Login(String),
    /// The public token.
    UserToken(String),
    /// The name that the site has given the user.
    ExternalId(String),
}

impl From<&str> for UserKey {
    fn from(login: &str) -> Self {
        Self::Login(login.to_owned())
    }
}

impl UserKey {
    /// What failures are counted by if there is no such user: no username has white space.
    fn counted(&self) -> String {
        match self {
            Self::Login(login) => login.clone(),
            Self::UserToken(token) => format!("user_token {token}"),
            Self::ExternalId(external_id) => format!("externalid {external_id}"),
        }
    }
}

/// How a visitor of a site proves who they are.
#[derive(Clone, Debug)]
pub struct SiteProof {
    /// The password.
    pub password: Password,
    /// The code of their authenticator, where TOTP is enabled.
    pub totp_code: Option<Password>,
    /// What an earlier look-up from their device has answered with: failures of other visitors do not count then. An empty one
    /// asks for one; with None there is none in the answer.
    pub device_token: Option<Password>,
}

impl From<Password> for SiteProof {
    fn from(password: Password) -> Self {
        Self { password, totp_code: None, device_token: None }
    }
}

impl Sso {
    /// The user who is known by this and has this password, and a token for their device where one was asked for and is new. For
    /// an hour the site may start sessions for that user, until the user's sessions are ended or the password changes. Failed
    /// attempts count as those of logins do, but not for the address, which is that of the site for everybody. A site is a
    /// place: users who have logged in through it are known there.
    ///
    /// # Errors
    /// E005001 for all that is wrong before the password is known to be right; after that the codes that configuration
    /// allows to be shown, as of a login; E005009 while the delay after failed attempts lasts.
    pub async fn look_up_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        key: impl Into<UserKey>,
        proof: impl Into<SiteProof>,
    ) -> Result<(SiteUser, Option<Password>)> {
        let (actor, key) = (actor.into(), key.into());
        let SiteProof { password, totp_code, device_token } = proof.into();
        let request = LoginRequest {
            username: key.counted(),
            password: Some(password),
            totp_code,
            device_token,
            ..LoginRequest::default()
        };
        self.to_the_end(ctx, |sso, ctx| async move { sso.look_up(&ctx, actor, key, request).await }).await
    }

    async fn look_up(
        &self,
        ctx: &Context,
        actor: Actor,
        key: UserKey,
        request: LoginRequest,
    ) -> Result<(SiteUser, Option<Password>)> {
        self.run(ctx, Operation::SiteLookUpUser, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let found = self.row_by_key(&mut conn, &site, &key, None).await?;
            let Authenticated { row, is_outdated, mut attempt, has_failures, .. } = self
                .authenticate_found(ctx, &mut call.trail, &request, Origin::Site(&site), (conn, found))
                .await?;
            let has_failures = match has_failures {
                Some(has_failures) => has_failures,
                None => self.check_throttle(&mut attempt).await?,
            };
            let (user_id, now) = (row.user_id.clone(), self.now());
            check_standing(self.config(), Standing::from(&row), &ctx.remote_addr, now, PasswordAge::Checked)?;
            self.check_password_age(&row, now)?;
            let upgraded = match request.password {
                Some(password) if is_outdated => Some(self.hash_password(&user_id, password).await?),
                _ => None,
            };
            let mut tx = self.db().write().await?;
            // What was verified must still be the password: a change of it ends what sites have verified, and so does a lock.
            if store::user::account::lock_row(&mut tx, &user_id).await? != Some(HeldUser::from(&row)) {
                return Err(Code::AuthNotAllowed.into());
            }
            if let (Some(upgraded), Some(old)) = (&upgraded, &row.password_hash) {
                store::user::account::replace_hash(&mut tx, &user_id, upgraded, old).await?;
            }
            self.remember_place(&mut tx, &attempt).await?;
            let device_token = self.new_device_token(request.device_token.as_ref(), &attempt)?;
            if let Some(token) = &device_token {
                let digest = token::digest(token.expose());
                let device = NewDevice { digest: &digest, slots: self.config().login_throttle.known_devices };
                store::session::device::put(&mut tx, &user_id, device, now).await?;
            }
            if has_failures {
                self.clear_failures(&mut tx, &attempt).await?;
            }
            if !store::site::identity::set_verified(&mut tx, site.site_id, &user_id, now).await? {
                return Err(Code::AuthNotAllowed.into());
            }
            let user = self.site_user(&mut tx, &site, row).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok((user, device_token))
        })
        .await
    }

    /// A user that the site has made, by what it knows them by; any for a trusted site. No password is asked for, so it is
    /// never a super-user, and nothing is verified by it.
    ///
    /// # Errors
    /// E001100 if there is no such user, or for this site none; E005001 for a super-user whom the site sees.
    pub async fn find_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        key: impl Into<UserKey>,
    ) -> Result<SiteUser> {
        let key = key.into();
        self.run(ctx, Operation::SiteFindUser, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let row = self.row_by_key(&mut conn, &site, &key, made_by(&site)).await?;
            let nobody = || Error::refused(Code::UserIdInvalid, "there is no such user");
            let row = row.ok_or_else(nobody)?;
            if self.is_hidden(&mut conn, &row).await? {
                return Err(nobody());
            }
            call.trail.on(&row.user_id);
            if row.is_super_user {
                let detail = "a super-user is looked up with the password";
                return Err(Error::refused(Code::AuthNotAllowed, detail));
            }
            self.site_user(&mut conn, &site, row).await
        })
        .await
    }

    /// Changes the user that a site knows by this, or makes one; whether it was made.
    ///
    /// # Errors
    /// As [`Sso::update_site_user`] and [`Sso::create_site_user`]. E001100 for a public token that no user has: none is made
    /// with it.
    pub async fn synchronize_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        key: UserKey,
        update: SiteUserUpdate,
    ) -> Result<(SiteUser, bool)> {
        self.run(ctx, Operation::SiteSynchronizeUser, actor, async |call| {
            let site = call.site()?;
            if let Some(row) = self.synchronized(&site, &key).await? {
                return Ok((self.change_own_user(call, &site, row, update).await?, false));
            }
            let SiteUserUpdate { login, password, external_id, profile, mode: _ } = update.clone();
            let mut new = NewSiteUser { login, password, external_id, profile };
            match key.clone() {
                UserKey::UserToken(_) => return Err(no_such_user()),
                UserKey::Login(login) => new.login = new.login.or(Some(login)),
                UserKey::ExternalId(name) => new.external_id = new.external_id.or(Some(name)),
            }
            match self.make_user(call, &site, new).await {
                Ok(user) => Ok((user, true)),
                Err(error) => match self.made_meanwhile(&site, &key).await? {
                    Some(row) => Ok((self.change_own_user(call, &site, row, update).await?, false)),
                    None => Err(error),
                },
            }
        })
        .await
    }

    /// The user that a site knows by this and may see.
    async fn synchronized(&self, site: &Site, key: &UserKey) -> Result<Option<UserRow>> {
        let mut conn = self.db().read().await?;
        match key {
            UserKey::UserToken(token) => row_by_user_token(&mut conn, site, token).await.map(Some),
            UserKey::Login(_) | UserKey::ExternalId(_) => {
                self.row_by_key(&mut conn, site, key, Some(site.site_id)).await
            }
        }
    }

    /// The same, if another request has just made the user. What is in a transaction that others share is seen by all once it
    /// has come to its end.
    async fn made_meanwhile(&self, site: &Site, key: &UserKey) -> Result<Option<UserRow>> {
        let mut tx = self.db().write().await?;
        let found = self.row_by_key(&mut tx, site, key, Some(site.site_id)).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// The user who is known by this: any, or one that a site has made. External ids are always those of the site that asks.
    async fn row_by_key(
        &self,
        conn: &mut Conn,
        site: &Site,
        key: &UserKey,
        made_by: Option<Uuid>,
    ) -> Result<Option<UserRow>> {
        match key {
            UserKey::UserToken(token) => {
                store::site::identity::user_by_token(conn, parse_token(token), made_by).await
            }
            UserKey::ExternalId(external_id) => match check_external_id(Some(external_id.clone())) {
                Ok(Some(name)) => store::site::identity::user_by_external_id(conn, site.site_id, &name).await,
                Ok(None) | Err(_) => Ok(None),
            },
            UserKey::Login(login) => {
                let key = self.username_key(login);
                let Some(row) = store::user::account::by_username(conn, login, &key).await? else {
                    return Ok(None);
                };
                let Some(site_id) = made_by else { return Ok(Some(row)) };
                let own = store::site::identity::of_site(conn, &row.user_id, site_id).await?;
                Ok((!own.is_empty()).then_some(row))
            }
        }
    }
}
