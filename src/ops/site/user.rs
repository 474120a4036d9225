//! Users as sites see them: making them, finding out that they are who they say, and changing those that the site made.

use serde_json::Value;
use uuid::Uuid;

use crate::domain::{
    ApprovalStatus, Code, Context, Error, Identity, NewUser, Operation, Page, PageRequest, Password, Result,
    Site, User, UserId, random_uuid,
};
use crate::ops::LoginRequest;
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::access::throttle::Origin;
use crate::ops::call::AUTO;
use crate::ops::password::accept::Terms;
use crate::ops::session::login::Authenticated;
use crate::ops::site::identity::{DISPLAY_NAME, parse_token, seen_by};
use crate::ops::site::session::check_page;
use crate::store;
use crate::store::Conn;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::{HeldUser, Updated, UserRow};

/// The longest name that a site may know a user by, in characters.
const MAX_EXTERNAL_ID_LENGTH: usize = 256;

/// What a site makes a user of.
#[derive(Clone, Debug, Default)]
pub struct NewSiteUser {
    /// The username.
    pub login: String,
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
    /// What the site says about the user: a JSON object, in the place of the former one.
    pub profile: Option<Value>,
}

/// A user as a site sees it.
#[derive(Clone, Debug)]
pub struct SiteUser {
    /// The user.
    pub user: User,
    /// The public token.
    pub user_token: Uuid,
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
            let told = new.profile.as_ref().map(Told::read).unwrap_or_default();
            let external_id = check_external_id(new.external_id)?;
            let user = NewUser {
                username: Some(new.login),
                password: new.password.filter(|password| !password.is_empty()),
                email: told.email,
                display_name: told.display_name,
                first_name: told.first_name,
                middle_name: told.middle_name,
                last_name: told.last_name,
                ..NewUser::default()
            };
            let row = self.new_row(user, AUTO, ApprovalStatus::Approved, false).await?;
            let identity_token = random_uuid(self.random())?;
            let sealed = |profile: &Value| self.seal_profile(identity_token, profile);
            let identity = IdentityRow {
                site_id: Some(site.site_id),
                external_id,
                profile: new.profile.as_ref().map(sealed).transpose()?,
                ..IdentityRow::first(&row, identity_token, self.now())
            };
            let user = self.open_user(row.clone())?;
            call.trail.on(&user.user_id);
            call.trail.note("username", user.username.as_str());
            let mut tx = self.db().write().await?;
            self.check_new_email(&mut tx, &row, false).await?;
            self.insert_row(&mut tx, &row).await?;
            if !store::site::identity::insert(&mut tx, &identity).await? {
                return Err(external_id_taken());
            }
            self.commit(tx, &mut call.trail).await?;
            let identities = vec![self.open_identity(identity)?];
            Ok(SiteUser { user, user_token: row.user_token, identities })
        })
        .await
    }

    /// The user who has this name and password. For an hour the site may start sessions for that user, until the user's sessions
    /// are ended or the password changes. Failed attempts count as those of logins do, but not for the address, which
    /// is that of the site for everybody. A site is a place: users who have logged in through it are known there.
    ///
    /// # Errors
    /// E005001 for all that is wrong before the password is known to be right; after that the codes that configuration
    /// allows to be shown, as of a login; E005009 while the delay after failed attempts lasts.
    pub async fn look_up_site_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        login: &str,
        password: Password,
        totp_code: Option<Password>,
    ) -> Result<SiteUser> {
        let (actor, login) = (actor.into(), login.to_owned());
        self.to_the_end(
            ctx,
            |sso, ctx| async move { sso.look_up(&ctx, actor, login, password, totp_code).await },
        )
        .await
    }

    async fn look_up(
        &self,
        ctx: &Context,
        actor: Actor,
        login: String,
        password: Password,
        totp_code: Option<Password>,
    ) -> Result<SiteUser> {
        self.run(ctx, Operation::SiteLookUpUser, actor, async |call| {
            let site = call.site()?;
            let request = LoginRequest {
                username: login,
                password: Some(password.clone()),
                totp_code,
                ..LoginRequest::default()
            };
            let Authenticated { row, is_outdated, mut attempt, has_failures } =
                self.authenticate(&mut call.trail, &request, Origin::Site(&site)).await?;
            let has_failures = match has_failures {
                Some(has_failures) => has_failures,
                None => self.check_throttle(&mut attempt).await?,
            };
            let (user_id, now) = (row.user_id.clone(), self.now());
            check_standing(self.config(), Standing::from(&row), &ctx.remote_addr, now, PasswordAge::Checked)?;
            self.check_password_age(&row, now)?;
            let upgraded =
                if is_outdated { Some(self.hash_password(&user_id, password).await?) } else { None };
            let mut tx = self.db().write().await?;
            // What was verified must still be the password: a change of it ends what sites have verified, and so does a lock.
            if store::user::account::lock_row(&mut tx, &user_id).await? != Some(HeldUser::from(&row)) {
                return Err(Code::AuthNotAllowed.into());
            }
            if let (Some(upgraded), Some(old)) = (&upgraded, &row.password_hash) {
                store::user::account::replace_hash(&mut tx, &user_id, upgraded, old).await?;
            }
            self.remember_place(&mut tx, &attempt).await?;
            if has_failures {
                self.clear_failures(&mut tx, &attempt).await?;
            }
            if !store::site::identity::set_verified(&mut tx, site.site_id, &user_id, now).await? {
                return Err(Code::AuthNotAllowed.into());
            }
            let user = self.site_user(&mut tx, &site, row).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(user)
        })
        .await
    }

    async fn site_user(&self, conn: &mut Conn, site: &Site, row: UserRow) -> Result<SiteUser> {
        let user_token = row.user_token;
        let user = self.open_user(row)?;
        let identities = self.identities_of(conn, &user.user_id).await?;
        let identities = identities.into_iter().map(|identity| seen_by(site, identity)).collect();
        Ok(SiteUser { user, user_token, identities })
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
            let (total, rows) =
                store::site::identity::page_of_users(&mut conn, request, made_by(&site)).await?;
            drop(conn);
            let listed = |row: UserRow| {
                let user_token = row.user_token;
                Ok(SiteUser { user: self.open_user(row)?, user_token, identities: Vec::new() })
            };
            let result = rows.into_iter().map(listed).collect::<Result<_>>()?;
            Ok(Page { total, page_size: request.entries_per_page, cur_page: request.page, result })
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
            let external_id = check_external_id(update.external_id)?;
            let mut conn = self.db().read().await?;
            let before = row_by_user_token(&mut conn, &site, user_token).await?;
            let user_id = before.user_id.clone();
            call.trail.on(&user_id);
            let identity = store::site::identity::of_site(&mut conn, &user_id, site.site_id).await?;
            drop(conn);
            // Who can set a password can be that user: not for others' users, and never for super-users.
            let identity = identity.filter(|_| !before.is_super_user).ok_or(Code::AuthNotAllowed)?;
            let password = match update.password.filter(|password| !password.is_empty()) {
                Some(password) => Some(self.accept_password(&before, password, Terms::default()).await?),
                None => None,
            };

            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let mut row = row.ok_or_else(no_such_user)?;
            if row.is_super_user {
                return Err(Code::AuthNotAllowed.into());
            }
            if password.is_some() && row.password_last_set != before.password_last_set {
                let detail = "password: it was changed meanwhile";
                return Err(Error::refused(Code::CommonInvalidOperation, detail));
            }
            if let Some(login) = update.login {
                self.rename(&mut row, self.check_username(Some(login))?);
                self.check_rename(&before.username, &row.username)?;
            }
            if let Some(profile) = &update.profile {
                self.fill(&mut row, &user_id, Told::read(profile))?;
            }
            if row.username != before.username {
                self.make_room(&mut tx, &row, None).await?;
            }
            if before.email.is_none() {
                self.check_new_email(&mut tx, &row, false).await?;
            }
            match store::user::account::update(&mut tx, &row).await? {
                Updated::Yes => {}
                Updated::UsernameTaken => return Err(Code::UsernameExists.into()),
                Updated::EmailTaken => return Err(Code::EmailExists.into()),
            }
            if let Some(password) = &password {
                self.store_password(&mut tx, &row, password, None).await?;
                call.trail.note("password", "changed");
            }
            let sealed = |profile: &Value| self.seal_profile(identity.identity_token, profile);
            let identity = IdentityRow {
                external_id: external_id.or(identity.external_id),
                profile: update.profile.as_ref().map(sealed).transpose()?.or(identity.profile),
                ..identity
            };
            if !store::site::identity::update(&mut tx, &identity, self.now()).await? {
                return Err(external_id_taken());
            }
            let user = self.site_user(&mut tx, &site, row).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(user)
        })
        .await
    }

    /// Email and names that the user does not have yet come from what a site tells.
    fn fill(&self, row: &mut UserRow, user_id: &UserId, told: Told) -> Result<()> {
        if row.email.is_none()
            && let Some(email) = self.check_email(told.email)?
        {
            row.email_index = Some(self.core.keyring.blind_index(&email).to_vec());
            row.email = Some(self.seal_email(user_id, &email)?);
        }
        for (field, column, name) in [
            ("displayName", &mut row.display_name, told.display_name),
            ("name.givenName", &mut row.first_name, told.first_name),
            ("name.middleName", &mut row.middle_name, told.middle_name),
            ("name.familyName", &mut row.last_name, told.last_name),
        ] {
            if column.is_none() {
                *column = crate::domain::check_name(field, name)?;
            }
        }
        Ok(())
    }
}

/// What of a profile a user has too (Portable Contacts 1.0).
#[derive(Default)]
struct Told {
    email: Option<String>,
    display_name: Option<String>,
    first_name: Option<String>,
    middle_name: Option<String>,
    last_name: Option<String>,
}

impl Told {
    fn read(profile: &Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let name = |part: &str| text(profile.get("name").and_then(|name| name.get(part)));
        let email = profile.get("emails").and_then(|emails| emails.get(0));
        Self {
            email: text(email.map(|email| email.get("value").unwrap_or(email))),
            display_name: text(profile.get(DISPLAY_NAME)),
            first_name: name("givenName"),
            middle_name: name("middleName"),
            last_name: name("familyName"),
        }
    }
}

/// The site by which a user must have been made for a site to see them; None if it sees all.
fn made_by(site: &Site) -> Option<Uuid> {
    (!site.is_trusted).then_some(site.site_id)
}

async fn row_by_user_token(conn: &mut Conn, site: &Site, user_token: &str) -> Result<UserRow> {
    let found = store::site::identity::user_by_token(conn, parse_token(user_token), made_by(site)).await?;
    found.ok_or_else(no_such_user)
}

fn no_such_user() -> Error {
    Error::refused(Code::UserIdInvalid, "user_token: there is no such user")
}

fn external_id_taken() -> Error {
    Error::refused(Code::CommonInvalidOperation, "externalid: the site uses it for another user")
}

fn check_external_id(external_id: Option<String>) -> Result<Option<String>> {
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
