//! Clients are told that a session has ended (Back-Channel Logout 1.0).
//!
//! ```text
//! sign-in at a client ──> a row waits ──> the session ends, by whatever: a trigger makes the row due
//!     due ──> held by one node ──┬─ told ─────────────────────────────> deleted
//!              ▲                 ├─ not reached: after a pause ──┐
//!              │                 │     with all else of the client │
//!              └─────────────────┼───────────────────────────────┘
//!                                └─ refused, or a day old ────────────> given up: deleted, with a line in the log
//! ```

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Map, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config::LogLevel;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{ClientId, Operation, Result};
use crate::ops::Sso;
use crate::ops::audit::Trail;
use crate::ops::client::known::KnownClient;
use crate::ops::client::tokens::seconds;
use crate::ops::courier::Reach;
use crate::ops::sso::Core;
use crate::store;
use crate::store::client::notice::Notice;

/// How often it is looked whether somebody is to be told.
const POLL: Duration = Duration::from_secs(1);

/// How many clients are told at the same time.
const AT_ONCE: i64 = 10;

/// For how many seconds other nodes leave a row alone that one has taken.
const HOLD_SECONDS: i64 = 30;

/// The longest pause between two attempts, in seconds, and the age at which a client is given up.
const LONGEST_PAUSE: i64 = 300;
const GIVE_UP: Duration = Duration::from_secs(86_400);

/// For how many seconds a logout token is valid.
const TOKEN_SECONDS: i64 = 120;

/// What a logout token says happened (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What became of an attempt.
enum Told {
    Yes,
    Never(String),
    Later(String),
}

impl Sso {
    /// Begins to tell clients of sessions that have ended, until [`Sso::close`], or until the last clone is dropped.
    pub(in crate::ops) fn start_telling_clients(&self) {
        if self.config().oidc.is_active() {
            self.core.background.keep(tokio::spawn(run(Arc::downgrade(&self.core))));
        }
    }

    /// Tells those that are to be told now; how many there were.
    async fn tell_clients(&self) -> Result<usize> {
        let now = self.now();
        let mut conn = self.db().read().await?;
        if !store::client::notice::is_any_due(&mut conn, now).await? {
            return Ok(0);
        }
        drop(conn);
        let mut tx = self.db().write().await?;
        let held_until = now.plus_seconds(HOLD_SECONDS);
        let notices = store::client::notice::take(&mut tx, now, held_until, AT_ONCE).await?;
        tx.commit().await?;
        let count = notices.len();
        let mut telling = JoinSet::new();
        for notice in notices {
            let sso = self.clone();
            telling.spawn(async move { sso.tell_client(&notice).await });
        }
        while let Some(told) = telling.join_next().await {
            if let Ok(Err(error)) = told {
                self.log().say(LogLevel::Warning, "openid.logout_not_noted", &error.to_string(), None);
            }
        }
        Ok(count)
    }

    async fn tell_client(&self, notice: &Notice) -> Result<()> {
        let ctx = self.own_context()?;
        let mut trail = Trail::new(&ctx, Operation::OpenidNotifyLogout, self.system_time());
        trail.on(&notice.user_id);
        trail.note("client_id", notice.client_id.as_str());
        trail.note("session_id", notice.session_id.to_string());
        trail.note("attempts", notice.attempts.to_string());
        let client = self.client_in_force(&ClientId::from_stored(notice.client_id.clone())).await?;
        let told = match client
            .as_ref()
            .and_then(|client| Some((client, client.backchannel_logout_uri.as_deref()?)))
        {
            Some((client, uri)) => self.send_logout(client, uri, notice).await?,
            None => Told::Never("the client has no back-channel logout URI any more".to_owned()),
        };
        let now = self.now();
        let is_old = notice.end_time.is_some_and(|end| now.since(end) >= GIVE_UP);
        let mut tx = self.db().write().await?;
        let outcome = match told {
            Told::Yes => {
                store::client::notice::done(&mut tx, notice).await?;
                Ok(())
            }
            Told::Later(why) if !is_old => {
                let doublings = u32::try_from(notice.attempts.clamp(0, 20)).unwrap_or(0);
                let pause = (1_i64 << doublings).min(LONGEST_PAUSE);
                store::client::notice::later(&mut tx, notice, now, now.plus_seconds(pause)).await?;
                if notice.attempts > 1 {
                    tx.commit().await?;
                    return Ok(());
                }
                Err(format!("tried again later: {why}"))
            }
            Told::Later(why) | Told::Never(why) => {
                store::client::notice::done(&mut tx, notice).await?;
                Err(format!("given up: {why}"))
            }
        };
        tx.commit().await?;
        if let Err(why) = &outcome {
            let text = format!("the client {} was not told of a logout: {why}", notice.client_id);
            self.log().say(LogLevel::Warning, "openid.logout_not_told", &text, Some(&ctx.cid));
        }
        self.core.audit.tell(trail, self.system_time(), outcome.as_ref().copied().map_err(String::as_str));
        Ok(())
    }

    async fn send_logout(&self, client: &KnownClient, uri: &str, notice: &Notice) -> Result<Told> {
        let now = self.now();
        let mut claims = Map::new();
        claims.insert("iss".into(), self.issuer().into());
        claims.insert("aud".into(), client.client_id.as_str().into());
        claims.insert("sub".into(), self.subject_of(client, &notice.user_id).await?.into());
        claims.insert("sid".into(), self.sid_of(client, notice.session_id).await?.into());
        claims.insert("iat".into(), seconds(now).into());
        claims.insert("exp".into(), seconds(now.plus_seconds(TOKEN_SECONDS)).into());
        claims.insert("jti".into(), token::new_token(self.random(), TokenBits::Bits192)?.expose().into());
        claims.insert("events".into(), json!({ EVENT: {} }));
        let logout_token = self.sign_token(client.id_token_alg, "logout+jwt", &claims).await?;
        let form = format!("logout_token={logout_token}");
        // Who registered it may be anybody.
        let mut conn = self.db().read().await?;
        let registration = store::client::registry::registration_digest(&mut conn, &client.client_id).await?;
        drop(conn);
        let reach = if registration.is_some() { self.reach() } else { Reach::Everywhere };
        Ok(match self.core.courier.post(uri, &form, reach).await {
            Ok(200 | 204) => Told::Yes,
            // The client has understood it, and does not want it (section 2.8).
            Ok(400) => Told::Never("the client answers with 400".to_owned()),
            Ok(status) => Told::Later(format!("the client answers with {status}")),
            Err(why) => Told::Later(why),
        })
    }
}

/// Between two looks it holds nothing that would keep a database open.
async fn run(core: Weak<Core>) {
    loop {
        sleep(POLL).await;
        let Some(core) = core.upgrade() else { return };
        // When the database is away, there is nothing to do but to look again later.
        while matches!(Sso { core: Arc::clone(&core) }.tell_clients().await, Ok(1..)) {}
    }
}
