//! Logins with what is new for a user, who is emailed of them.

use crate::domain::{Context, EmailKind, Result, Timestamp, device_name};
use crate::ops::Sso;
use crate::ops::access::throttle::{Prefix, place_of};
use crate::ops::audit::Trail;
use crate::ops::mail::message::{About, without_links};
use crate::store;
use crate::store::Tx;
use crate::store::session::client::News;
use crate::store::user::account::UserRow;

/// For how many days what was seen is not new.
pub(in crate::ops) const SEEN_FOR_DAYS: u32 = 90;

/// The longest user agent of a program that emails show, in characters.
const MAX_SHOWN: usize = 80;

impl Sso {
    /// Notes with what, and from which network, a user logs in, and emails the user if that is new, where configuration
    /// says so. The first login of a user is no news.
    pub(in crate::ops) async fn tell_of_new_device(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        user_agent: Option<&str>,
    ) -> Result<()> {
        if !self.config().login.email_on_new_device {
            return Ok(());
        }
        let now = self.now();
        let since = now.plus_days(-i64::from(SEEN_FOR_DAYS));
        let user_agent = user_agent.unwrap_or_default();
        let network = place_of(&ctx.remote_addr, Prefix::NETWORK).unwrap_or_default();
        // Browsers change their versions all the time.
        let device = device_name(user_agent);
        let name = device.as_deref().unwrap_or(user_agent);
        let digest = self.core.keyring.subject_digest(&format!("client\n{}\n{network}\n{name}", row.user_id));
        if store::session::client::see(tx, &row.user_id, &digest, now, since).await? != News::New {
            return Ok(());
        }
        trail.note("new_device", "yes");
        if !self.can_send_email() || !self.count_new_device_email(tx, &row.user_id).await? {
            return Ok(());
        }
        // Whoever has guessed the password has chosen the user agent as well.
        let shown: String = without_links(name).chars().take(MAX_SHOWN).collect();
        let (time, remote_addr) = (to_the_second(now), ctx.remote_addr.joined());
        let details = [
            ("time", time.as_str()),
            ("remote_addr", or_unknown(&remote_addr)),
            ("user_agent", or_unknown(user_agent)),
            ("device", or_unknown(&shown)),
        ];
        let about = About { details: &details, ..About::plain(EmailKind::NewDevice) };
        self.queue_promised_email(tx, ctx, trail, row, about).await
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

/// A time as people write it.
fn to_the_second(time: Timestamp) -> String {
    let seconds = time.as_micros().div_euclid(1_000_000).saturating_mul(1_000_000);
    Timestamp::from_micros(seconds).to_string().replace('T', " ")
}
