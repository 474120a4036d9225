//! The names of all users, gone through at once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use crate::domain::{Context, Operation, Result, username_key};
use crate::ops::Sso;
use crate::ops::access::name::{INSENSITIVE, SENSITIVE, USERNAME_CASE};
use crate::store;

/// What has become of the names of all users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsernamesMigrated {
    /// All have the keys that configuration asks for.
    Done {
        /// How many users there are.
        users: usize,
        /// Whether names are the same in any case of letters now.
        is_case_insensitive: bool,
    },
    /// Nothing was changed: these would be one name.
    Clashes(Vec<Vec<String>>),
}

impl Sso {
    /// Gives every user the key of their name that configuration asks for, unless two names would be one.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn migrate_usernames(&self, ctx: &Context) -> Result<UsernamesMigrated> {
        self.record(ctx, Operation::UserMigrateUsernames, async |call| {
            let is_case_insensitive = self.config().user_validation.case_insensitive;
            let mut tx = self.db().write().await?;
            store::user::name::lock_all(&mut tx).await?;
            let all = store::user::name::all(&mut tx).await?;
            let mut by_key: HashMap<String, Vec<usize>> = HashMap::with_capacity(all.len());
            for (index, (_, username)) in all.iter().enumerate() {
                by_key.entry(username_key(username, is_case_insensitive)).or_default().push(index);
            }
            let name = |index: &usize| all.get(*index).map(|(_, username)| username.clone());
            let mut clashes: Vec<Vec<String>> = by_key
                .values()
                .filter(|users| users.len() > 1)
                .map(|users| users.iter().filter_map(name).collect())
                .collect();
            clashes.sort();
            if !clashes.is_empty() {
                call.trail.note("clashes", clashes.len().to_string());
                return Ok(UsernamesMigrated::Clashes(clashes));
            }
            store::user::name::clear_keys(&mut tx).await?;
            for (user_id, username) in &all {
                let key = username_key(username, is_case_insensitive);
                store::user::name::set_key(&mut tx, user_id, &key, &self.username_skeleton(username)).await?;
            }
            let value = if is_case_insensitive { INSENSITIVE } else { SENSITIVE };
            let former = store::db::setting::get(&mut tx, USERNAME_CASE).await?;
            store::db::setting::replace(&mut tx, USERNAME_CASE, former.as_deref(), value).await?;
            call.trail.note("users", all.len().to_string());
            self.commit(tx, &mut call.trail).await?;
            self.core.is_case_insensitive.store(is_case_insensitive, Ordering::Relaxed);
            Ok(UsernamesMigrated::Done { users: all.len(), is_case_insensitive })
        })
        .await
    }
}
