//! Sites: making and deleting them, and finding out that one is who it says.

use std::sync::Arc;

use url::Url;
use uuid::Uuid;

use crate::crypto::token::TokenBits;
use crate::crypto::{compare, token};
use crate::domain::{Code, Context, Error, Operation, Password, Result, Site, random_uuid};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store;
use crate::store::Conn;
use crate::store::site::registry::Inserted;

/// The longest label of a host name (RFC 1035, section 2.3.4).
const MAX_SUBDOMAIN_LENGTH: usize = 63;

/// The longest callback URI, in bytes.
const MAX_CALLBACK_LENGTH: usize = 2048;

/// How many callback URIs a site may have.
const MAX_CALLBACKS: usize = 100;

/// A site that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewSite {
    /// What it is called: a label as in host names.
    pub subdomain: String,
    /// Where browsers may be sent back to.
    pub callback_uris: Vec<String>,
    /// Whether it speaks for all users.
    pub is_trusted: bool,
    /// Whether its private key has 256 random bits. Otherwise it is a UUID of 122, as clients of OneAll expect.
    pub has_long_key: bool,
}

/// What is to change of a site. None leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct SiteUpdate {
    /// Where browsers may be sent back to, in the place of the former ones.
    pub callback_uris: Option<Vec<String>>,
    /// Whether it speaks for all users.
    pub is_trusted: Option<bool>,
    /// What becomes of its private key.
    pub key: KeyChange,
}

/// What becomes of the private key of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyChange {
    /// Nothing.
    #[default]
    Keep,
    /// It gets another one.
    New {
        /// Whether that has 256 random bits; see [`NewSite`].
        is_long: bool,
        /// Whether the one that it had is one of its keys until that is ended, or gets another one itself.
        keeps_old: bool,
    },
    /// The one that it had before is none any more.
    EndOld,
}

/// A site that was just changed.
#[derive(Clone, Debug)]
pub struct UpdatedSite {
    /// The site.
    pub site: Site,
    /// Its new private key, if it has got one. It cannot be shown again.
    pub private_key: Option<Password>,
}

/// A site that was just made.
#[derive(Clone, Debug)]
pub struct CreatedSite {
    /// The site.
    pub site: Site,
    /// Its private key. It cannot be shown again.
    pub private_key: Password,
}

impl Sso {
    /// Makes a site with a new key pair, for trusted callers.
    ///
    /// # Errors
    /// E008002 for a subdomain or a callback URI that is not acceptable, E008001 for one that another site has.
    pub async fn create_site(&self, ctx: &Context, new: NewSite) -> Result<CreatedSite> {
        self.run(ctx, Operation::SiteCreate, Actor::Trusted(None), async |call| {
            check_subdomain(&new.subdomain)?;
            call.trail.note("site", new.subdomain.as_str());
            call.trail.note("is_trusted", new.is_trusted.to_string());
            let site = Site {
                site_id: random_uuid(self.random())?,
                subdomain: new.subdomain,
                public_key: random_uuid(self.random())?,
                is_active: true,
                is_trusted: new.is_trusted,
                creation_time: self.now(),
                has_old_key: false,
                callback_uris: check_callbacks(&new.callback_uris)?,
            };
            let private_key = self.new_private_key(new.has_long_key)?;
            let mut tx = self.db().write().await?;
            let digest = token::digest(private_key.expose());
            accept(store::site::registry::insert(&mut tx, &site, &digest).await?)?;
            self.commit(tx, &mut call.trail).await?;
            Ok(CreatedSite { site, private_key })
        })
        .await
    }

    fn new_private_key(&self, is_long: bool) -> Result<Password> {
        if is_long {
            return token::new_token(self.random(), TokenBits::Bits256);
        }
        Ok(Password::from(random_uuid(self.random())?.to_string()))
    }

    /// All sites, by subdomain, for trusted callers and super-users. Never their private keys.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn list_sites(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<Vec<Site>> {
        self.run(ctx, Operation::SiteList, actor, async |_| {
            let mut conn = self.db().read().await?;
            store::site::registry::all(&mut conn).await
        })
        .await
    }

    /// Has trusted callers act as a site.
    ///
    /// # Errors
    /// E008002 if there is no site with this subdomain.
    pub async fn act_as_site(&self, ctx: &Context, subdomain: &str) -> Result<Actor> {
        self.run(ctx, Operation::SiteActAs, Actor::Trusted(None), async |_| {
            let mut conn = self.db().read().await?;
            let site = site_by_subdomain(&mut conn, subdomain).await?;
            Ok(Actor::Site(Arc::new(site)))
        })
        .await
    }

    /// Gives a site other callback URIs or another private key, or has it speak for all users, for trusted callers.
    ///
    /// # Errors
    /// E008002 if there is no such site, or for a callback URI that is not acceptable, E008001 for one that another site
    /// has.
    pub async fn update_site(
        &self,
        ctx: &Context,
        subdomain: &str,
        update: SiteUpdate,
    ) -> Result<UpdatedSite> {
        self.run(ctx, Operation::SiteUpdate, Actor::Trusted(None), async |call| {
            let mut tx = self.db().write().await?;
            let mut site = site_by_subdomain(&mut tx, subdomain).await?;
            call.trail.note("site", subdomain);
            if let Some(callback_uris) = update.callback_uris {
                site.callback_uris = check_callbacks(&callback_uris)?;
                accept(store::site::registry::replace_callbacks(&mut tx, &site).await?)?;
            }
            if let Some(is_trusted) = update.is_trusted {
                call.trail.note("is_trusted", is_trusted.to_string());
                site.is_trusted = is_trusted;
                store::site::registry::set_trusted(&mut tx, &site).await?;
            }
            let private_key = match update.key {
                KeyChange::Keep => None,
                KeyChange::New { is_long, keeps_old } => {
                    let private_key = self.new_private_key(is_long)?;
                    site.has_old_key = keeps_old;
                    let digest = token::digest(private_key.expose());
                    store::site::registry::set_key(&mut tx, &site, &digest).await?;
                    call.trail.note("private_key", "changed");
                    call.trail.note("keeps_old_key", keeps_old.to_string());
                    Some(private_key)
                }
                KeyChange::EndOld => {
                    site.has_old_key = false;
                    store::site::registry::end_old_key(&mut tx, &site).await?;
                    call.trail.note("old_key", "ended");
                    None
                }
            };
            self.commit(tx, &mut call.trail).await?;
            Ok(UpdatedSite { site, private_key })
        })
        .await
    }

    /// Deletes a site and ends its sessions, for trusted callers; how many there were. What it told about users stays.
    ///
    /// # Errors
    /// E008002 if there is no site with this subdomain.
    pub async fn delete_site(&self, ctx: &Context, subdomain: &str) -> Result<u64> {
        self.run(ctx, Operation::SiteDelete, Actor::Trusted(None), async |call| {
            let mut tx = self.db().write().await?;
            let site = site_by_subdomain(&mut tx, subdomain).await?;
            call.trail.note("site", subdomain);
            let ended = store::site::registry::delete(&mut tx, site.site_id).await?;
            let ended = ended.ok_or_else(|| {
                Error::refused(Code::CommonInvalidInput, "subdomain: the site was deleted meanwhile")
            })?;
            call.trail.note("sessions_ended", ended.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(ended)
        })
        .await
    }

    /// A site as it sees itself, which shows that its keys are right.
    ///
    /// # Errors
    /// E005001 for anybody else.
    pub async fn get_site(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<Arc<Site>> {
        self.run(ctx, Operation::SiteGet, actor, async |call| call.site()).await
    }

    /// Authenticates a site. Every kind of failure takes the same work: a look-up and a comparison.
    ///
    /// # Errors
    /// E005001 if there is no active site with these keys; E005009 for wrong ones while the delay after wrong ones lasts.
    pub async fn authenticate_site(
        &self,
        ctx: &Context,
        public_key: &str,
        private_key: &Password,
    ) -> Result<Actor> {
        self.run(ctx, Operation::SiteAuthenticate, Actor::Anonymous, async |call| {
            let mut conn = self.db().read().await?;
            let public_key = Uuid::try_parse(public_key).unwrap_or(Uuid::nil());
            let found = store::site::registry::by_public_key(&mut conn, public_key).await?;
            drop(conn);
            let given = token::digest(private_key.expose());
            // That of no key is compared all the same, and a key that the site had before always is.
            let none = || vec![0; given.len()];
            let (site, current, old) = match found {
                Some((site, digests)) => (Some(site), digests.current, digests.old.unwrap_or_else(none)),
                None => (None, none(), none()),
            };
            let (is_current, is_old) = (compare::equal(&current, &given), compare::equal(&old, &given));
            let is_right = is_current || is_old;
            // The key was not guessed: who has it does not wait for others. Who has none has not tried one.
            if !is_right && !private_key.is_empty() {
                let mut attempt = self.key_attempt(&ctx.remote_addr);
                self.check_throttle(&mut attempt).await?;
                self.record_failure(&attempt).await?;
            }
            let site = site.filter(|site| is_right && site.is_active).ok_or(Code::AuthNotAllowed)?;
            call.trail.note("site", site.subdomain.as_str());
            Ok(Actor::Site(Arc::new(site)))
        })
        .await
    }
}

async fn site_by_subdomain(conn: &mut Conn, subdomain: &str) -> Result<Site> {
    let unknown = || Error::refused(Code::CommonInvalidInput, "subdomain: there is no such site");
    // PostgreSQL knows no NUL in text.
    if subdomain.contains('\0') {
        return Err(unknown());
    }
    store::site::registry::by_subdomain(conn, subdomain).await?.ok_or_else(unknown)
}

fn accept(inserted: Inserted) -> Result<()> {
    let taken = |detail| Err(Error::refused(Code::CommonInvalidOperation, detail));
    match inserted {
        Inserted::Yes => Ok(()),
        Inserted::SubdomainTaken => taken("subdomain: there is a site with it already"),
        Inserted::CallbackTaken => taken("callback_uris: another site has one of them"),
    }
}

fn check_subdomain(subdomain: &str) -> Result<()> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = !subdomain.is_empty()
        && subdomain.len() <= MAX_SUBDOMAIN_LENGTH
        && subdomain.bytes().all(is_inner)
        && !subdomain.starts_with('-')
        && !subdomain.ends_with('-');
    if is_label {
        return Ok(());
    }
    let detail = "subdomain: a label of 1 to 63 characters a-z, 0-9 and -, with no - at either end";
    Err(Error::refused(Code::CommonInvalidInput, detail))
}

fn check_callbacks(callback_uris: &[String]) -> Result<Vec<String>> {
    if callback_uris.len() > MAX_CALLBACKS {
        let detail = format!("callback_uris: at most {MAX_CALLBACKS}");
        return Err(Error::refused(Code::CommonInvalidInput, detail));
    }
    let mut checked = callback_uris
        .iter()
        .map(|text| Ok(String::from(check_callback(text)?)))
        .collect::<Result<Vec<_>>>()?;
    checked.sort_unstable();
    checked.dedup();
    Ok(checked)
}

/// A URI that browsers may be sent to, in its normal form: absolute, over TLS unless it is on the same machine, and without
/// what a redirect would lose or leak (RFC 9700, section 2.1).
pub(in crate::ops::site) fn check_callback(text: &str) -> Result<Url> {
    let refused = |why: &str| {
        let detail = format!("callback_uri: {why}, as in https://www.example.com/sso/callback");
        Error::refused(Code::CommonInvalidInput, detail)
    };
    if text.len() > MAX_CALLBACK_LENGTH {
        return Err(refused(&format!("at most {MAX_CALLBACK_LENGTH} bytes")));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refused("white space and control characters are not allowed"));
    }
    let url = Url::parse(text).map_err(|_| refused("an absolute URI is needed"))?;
    let host = url.host_str().unwrap_or_default();
    let is_local =
        host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
        return Err(refused("it must begin with https, or with http on localhost"));
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(refused("neither a fragment nor a user is allowed in it"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_is_a_label_of_a_host_name() {
        for good in ["a", "shop-1", "0", &"x".repeat(63)] {
            assert!(check_subdomain(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a.b", "Shop", "ä", "a b", "a\0", &"x".repeat(64)] {
            assert!(check_subdomain(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn browsers_are_sent_to_absolute_addresses_over_tls() {
        let normal = |text: &str| check_callback(text).map(String::from).ok();
        assert_eq!(normal("https://A.example:443/x?y=1").as_deref(), Some("https://a.example/x?y=1"));
        assert_eq!(normal("https://a.example").as_deref(), Some("https://a.example/"));
        assert_eq!(normal("http://localhost:8000/cb").as_deref(), Some("http://localhost:8000/cb"));
        assert_eq!(normal("http://b.localhost/").as_deref(), Some("http://b.localhost/"));
        for bad in [
            "http://a.example/",
            "http://localhost.example/",
            "/callback",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@a.example/",
            "https://user:word@a.example/",
            "https://a.example/#there",
            "https://a.example/ x",
            "https://a.example/\n",
            "https://",
            "",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
    }

    #[test]
    fn callbacks_are_kept_once_and_in_order() {
        let given = ["https://b.example", "https://a.example/", "https://b.example/"].map(str::to_owned);
        assert_eq!(check_callbacks(&given).unwrap(), ["https://a.example/", "https://b.example/"]);
        let many: Vec<_> = (0..101).map(|i| format!("https://a.example/{i}")).collect();
        assert!(check_callbacks(&many).is_err());
    }
}
