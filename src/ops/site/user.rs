//! Users as sites see them: making them, reading them, and changing and deleting those that the site made.

use serde_json::Value;
use uuid::Uuid;

use crate::domain::{
    ApprovalStatus, Code, Context, Error, Identity, NewUser, Operation, Page, PageRequest, Password, Result,
    Site, User, UserId, random_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::{AUTO, Call};
use crate::ops::password::accept::Terms;
use crate::ops::site::identity::{parse_token, seen_by};
use crate::ops::site::profile::{Told, UpdateMode, appended};
use crate::ops::site::session::check_page;
use crate::store;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::{Updated, UserRow};
use crate::store::{Conn, Tx};

/// Stands for the username of a user who is made without one, until there is one.
const NOBODY: &str = "x";

/// The longest name that a site may know a user by, in characters.
const MAX_EXTERNAL_ID_LENGTH: usize = 256;

/// What a site makes a user of.
#[derive(Clone, Debug, Default)]
pub struct NewSiteUser {
    /// The username; a user without one has one that is made for them.
    pub login: Option<String>,
    /// The password; a user without one cannot log in with it.
    pub password: Option<Password>,
    /// The name that the site knows the user by.
    pub external_id: Option<String>,
    /// What the site says about the user: a JSON object.
    pub profile: Option<Value>,
}

/// What a site changes of a user. None leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct SiteUserUpdate {
    /// The username.
    pub login: Option<String>,
    /// The password. Sessions end as with any other change of it.
    pub password: Option<Password>,
    /// The name that the site knows the user by.
    pub external_id: Option<String>,
    /// What the site says about the user: a JSON object.
    pub profile: Option<Value>,
    /// What becomes of the former profile.
    pub mode: UpdateMode,
}

/// A user as a site sees it.
#[derive(Clone, Debug)]
pub struct SiteUser {
    /// The user.
    pub user: User,
    /// The public token.
    pub user_token: Uuid,
    /// The name that the site knows the user by; None in lists.
    pub external_id: Option<String>,
    /// The identities, oldest first; none in lists.
    pub identities: Vec<Identity>,
}

impl Sso {
    /// Makes a user who may log in immediately.
    ///
    /// # Errors
    /// A code of the username, email or password that is not acceptable, E008002 for another value that is not, E008001 if
    /// the site uses that external id for another user.
    pub async fn create_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        new: NewSiteUser,
    ) -> Result<SiteUser> {
        self.run(ctx, Operation::SiteCreateUser, actor, async |call| {
            let site = call.site()?;
            self.make_user(call, &site, new).await
        })
        .await
    }

    pub(in crate::ops::site) async fn make_user(
        &self,
        call: &mut Call<'_>,
        site: &Site,
        new: NewSiteUser,
    ) -> Result<SiteUser> {
        let told = new.profile.as_ref().map(Told::read).unwrap_or_default();
        let external_id = check_external_id(new.external_id)?;
        let login = new.login.filter(|login| !login.is_empty());
        let has_login = login.is_some();
        let user = NewUser {
            username: login.or_else(|| Some(NOBODY.to_owned())),
            password: new.password.filter(|password| !password.is_empty()),
            email: told.email,
            display_name: told.display_name,
            first_name: told.first_name,
            middle_name: told.middle_name,
            last_name: told.last_name,
            ..NewUser::default()
        };
        let mut row = self.new_row(user, AUTO, ApprovalStatus::Approved, false).await?;
        if !has_login {
            let username = made_name(row.user_token);
            self.rename(&mut row, username);
        }
        let identity_token = random_uuid(self.random())?;
        let sealed = |profile: &Value| self.seal_profile(identity_token, profile);
        let identity = IdentityRow {
            site_id: Some(site.site_id),
            external_id,
            profile: new.profile.as_ref().map(sealed).transpose()?,
            ..IdentityRow::first(&row, identity_token, self.now())
        };
        call.trail.on(&row.user_id);
        call.trail.note("username", row.username.as_str());
        let mut tx = self.db().write().await?;
        self.check_new_email(&mut tx, &row, false).await?;
        self.insert_row(&mut tx, &row).await?;
        if !store::site::identity::insert(&mut tx, &identity).await? {
            return Err(external_id_taken());
        }
        let user = self.site_user(&mut tx, site, row).await?;
        self.commit(tx, &mut call.trail).await?;
        Ok(user)
    }

    /// A user as a site sees them.
    pub(in crate::ops::site) async fn site_user(
        &self,
        conn: &mut Conn,
        site: &Site,
        row: UserRow,
    ) -> Result<SiteUser> {
        let user_token = row.user_token;
        let user = self.open_user(row)?;
        let identities = self.identities_of(conn, &user.user_id).await?;
        let is_own = |identity: &&Identity| identity.site_id == Some(site.site_id);
        let external_id = identities.iter().filter(is_own).find_map(|identity| identity.external_id.clone());
        let identities = identities.into_iter().map(|identity| seen_by(site, identity)).collect();
        Ok(SiteUser { user, user_token, external_id, identities })
    }

    /// A user that the site has made; any for a trusted site.
    ///
    /// # Errors
    /// E001100 if there is no such user, or for this site none.
    pub async fn get_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_token: &str,
    ) -> Result<SiteUser> {
        self.run(ctx, Operation::SiteGetUser, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let row = row_by_user_token(&mut conn, &site, user_token).await?;
            if self.is_hidden(&mut conn, &row).await? {
                return Err(no_such_user());
            }
            call.trail.on(&row.user_id);
            self.site_user(&mut conn, &site, row).await
        })
        .await
    }

    /// The users that the site has made, by name; all for a trusted site.
    ///
    /// # Errors
    /// E008002 for a page that there cannot be.
    pub async fn list_site_users(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        request: PageRequest,
    ) -> Result<Page<SiteUser>> {
        self.run(ctx, Operation::SiteListUsers, actor, async |call| {
            let site = call.site()?;
            check_page(request)?;
            let mut conn = self.db().read().await?;
            let page =
                store::site::identity::page_of_users(&mut conn, request, made_by(&site), self.now()).await?;
            drop(conn);
            page.try_map(|row| {
                let user_token = row.user_token;
                let user = self.open_user(row)?;
                Ok(SiteUser { user, user_token, external_id: None, identities: Vec::new() })
            })
        })
        .await
    }

    /// Changes a user that the site has made.
    ///
    /// # Errors
    /// E001100 if there is no such user, or another site, or none, has made it; to a trusted site that is E005001. E005001 for
    /// a super-user, and otherwise as [`Sso::create_site_user`].
    pub async fn update_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_token: &str,
        update: SiteUserUpdate,
    ) -> Result<SiteUser> {
        self.run(ctx, Operation::SiteUpdateUser, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let before = row_by_user_token(&mut conn, &site, user_token).await?;
            drop(conn);
            self.change_own_user(call, &site, before, update).await
        })
        .await
    }

    /// Has a site know a user that it has made by a name of its own.
    ///
    /// # Errors
    /// As [`Sso::update_site_user`], and E008002 for a name that is not acceptable.
    pub async fn map_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_token: &str,
        external_id: String,
    ) -> Result<SiteUser> {
        self.run(ctx, Operation::SiteMapUser, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let before = row_by_user_token(&mut conn, &site, user_token).await?;
            drop(conn);
            let update = SiteUserUpdate { external_id: Some(external_id), ..SiteUserUpdate::default() };
            self.change_own_user(call, &site, before, update).await
        })
        .await
    }

    pub(in crate::ops::site) async fn change_own_user(
        &self,
        call: &mut Call<'_>,
        site: &Site,
        before: UserRow,
        update: SiteUserUpdate,
    ) -> Result<SiteUser> {
        let external_id = check_external_id(update.external_id)?;
        let user_id = before.user_id.clone();
        call.trail.on(&user_id);
        let mut conn = self.db().read().await?;
        self.check_own(&mut conn, site, &before).await?;
        drop(conn);
        let password = match update.password.filter(|password| !password.is_empty()) {
            Some(password) => Some(self.accept_password(&before, password, Terms::default()).await?),
            None => None,
        };

        let mut tx = self.db().write().await?;
        let (mut row, own) = self.hold_own(&mut tx, site, &user_id).await?;
        if password.is_some() && row.password_last_set != before.password_last_set {
            let detail = "password: it was changed meanwhile";
            return Err(Error::refused(Code::CommonInvalidOperation, detail));
        }
        let former = row.clone();
        if let Some(login) = update.login.filter(|login| !login.is_empty()) {
            self.rename(&mut row, self.check_username(Some(login))?);
            self.check_rename(&former.username, &row.username)?;
        }
        if let Some(profile) = &update.profile {
            self.fill(&mut row, &user_id, Told::read(profile))?;
        }
        self.write_user(&mut tx, &former, &row).await?;
        if let Some(password) = &password {
            self.store_password(&mut tx, call, &row, password, None).await?;
            call.trail.note("password", "changed");
        }
        if let Some((primary, profile)) = own.first().zip(update.profile) {
            let profile = match (&primary.profile, update.mode) {
                (Some(_), UpdateMode::Append) => {
                    let told = self.open_identity(primary.clone())?.profile.unwrap_or_default();
                    appended(told, profile)
                }
                (None, UpdateMode::Append) | (_, UpdateMode::Replace) => profile,
            };
            let sealed = self.seal_profile(primary.identity_token, &profile)?;
            let primary = IdentityRow { profile: Some(sealed), ..primary.clone() };
            store::site::identity::update(&mut tx, &primary, self.now()).await?;
        }
        if external_id.is_some() {
            self.set_external_id(&mut tx, &user_id, site, external_id).await?;
        }
        let user = self.site_user(&mut tx, site, row).await?;
        self.commit(tx, &mut call.trail).await?;
        Ok(user)
    }

    /// Writes what of a user may have changed.
    pub(in crate::ops::site) async fn write_user(
        &self,
        tx: &mut Tx,
        former: &UserRow,
        row: &UserRow,
    ) -> Result<()> {
        if row.username != former.username {
            self.make_room(tx, row, None).await?;
        }
        if former.email.is_none() {
            self.check_new_email(tx, row, false).await?;
        }
        match store::user::account::update(tx, row).await? {
            Updated::Yes => store::user::profile::set_time(tx, &row.user_id, self.now()).await,
            Updated::UsernameTaken => Err(Code::UsernameExists.into()),
            Updated::EmailTaken => Err(Code::EmailExists.into()),
        }
    }

    /// Has a site know a user by this name, which stands with one of the identities that it has made for them: with the one
    /// that has a name already, or else the oldest.
    pub(in crate::ops::site) async fn set_external_id(
        &self,
        tx: &mut Tx,
        user_id: &UserId,
        site: &Site,
        external_id: Option<String>,
    ) -> Result<()> {
        let own = store::site::identity::of_site(tx, user_id, site.site_id).await?;
        let holder = own.iter().find(|identity| identity.external_id.is_some()).or(own.first());
        let Some(holder) = holder.filter(|holder| holder.external_id != external_id) else { return Ok(()) };
        let holder = IdentityRow { external_id, ..holder.clone() };
        if store::site::identity::update(tx, &holder, self.now()).await? {
            return Ok(());
        }
        Err(external_id_taken())
    }

    /// Deletes a user that the site has made, with all that is theirs.
    ///
    /// # Errors
    /// As [`Sso::update_site_user`].
    pub async fn delete_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_token: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::SiteDeleteUser, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let before = row_by_user_token(&mut conn, &site, user_token).await?;
            call.trail.on(&before.user_id);
            self.check_own(&mut conn, &site, &before).await?;
            drop(conn);
            let mut tx = self.db().write().await?;
            let (row, _) = self.hold_own(&mut tx, &site, &before.user_id).await?;
            call.trail.note("username", row.username.as_str());
            let removed = store::user::account::delete_by_id(&mut tx, &row.user_id).await?;
            removed.ok_or_else(no_such_user)?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Who can set a password can be that user: not for others' users, and never for super-users.
    pub(in crate::ops::site) async fn check_own(
        &self,
        conn: &mut Conn,
        site: &Site,
        row: &UserRow,
    ) -> Result<()> {
        let own = store::site::identity::of_site(conn, &row.user_id, site.site_id).await?;
        if own.is_empty() || row.is_super_user {
            return Err(Code::AuthNotAllowed.into());
        }
        Ok(())
    }

    /// The same of a user who is locked until the transaction ends, with the identities that the site has made for them.
    pub(in crate::ops::site) async fn hold_own(
        &self,
        tx: &mut Tx,
        site: &Site,
        user_id: &UserId,
    ) -> Result<(UserRow, Vec<IdentityRow>)> {
        let row = store::user::account::by_id_for_update(tx, user_id).await?.ok_or_else(no_such_user)?;
        let own = store::site::identity::of_site(tx, user_id, site.site_id).await?;
        if own.is_empty() || row.is_super_user {
            return Err(Code::AuthNotAllowed.into());
        }
        Ok((row, own))
    }
}

impl SiteUser {
    /// The username; None where the user was made without one.
    #[must_use]
    pub fn login(&self) -> Option<&str> {
        let username = self.user.username.as_str();
        (username != made_name(self.user_token)).then_some(username)
    }
}

/// The username of a user who was made without one.
fn made_name(user_token: Uuid) -> String {
    format!("user-{user_token}")
}

/// The site by which a user must have been made for a site to see them; None if it sees all.
pub(in crate::ops::site) fn made_by(site: &Site) -> Option<Uuid> {
    (!site.is_trusted).then_some(site.site_id)
}

pub(in crate::ops::site) async fn row_by_user_token(
    conn: &mut Conn,
    site: &Site,
    user_token: &str,
) -> Result<UserRow> {
    let found = store::site::identity::user_by_token(conn, parse_token(user_token), made_by(site)).await?;
    found.ok_or_else(no_such_user)
}

pub(in crate::ops::site) fn no_such_user() -> Error {
    Error::refused(Code::UserIdInvalid, "user_token: there is no such user")
}

fn external_id_taken() -> Error {
    Error::refused(Code::CommonInvalidOperation, "externalid: the site uses it for another user")
}

pub(in crate::ops::site) fn check_external_id(external_id: Option<String>) -> Result<Option<String>> {
    let external_id = external_id.filter(|external_id| !external_id.is_empty());
    if let Some(external_id) = &external_id {
        let is_text = !external_id.chars().any(char::is_control);
        if !is_text || external_id.chars().count() > MAX_EXTERNAL_ID_LENGTH {
            let detail = format!(
                "externalid: at most {MAX_EXTERNAL_ID_LENGTH} characters, none of them control characters"
            );
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
    }
    Ok(external_id)
}
