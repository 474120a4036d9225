//! Searching users.

use std::sync::Arc;

use crate::domain::{
    Code, Context, Error, Operation, Page, Result, UserId, UserSearch, UserView, Visibility, check_name,
    group_key, stored_forms, username_key,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::PasswordAge;
use crate::store;
use crate::store::user::search::{Criteria, Filter};

/// The shortest part of a name that is searched for, in characters. Of scripts that write words with one character, one is
/// enough, and so it is of whole names.
const MIN_PART_LENGTH: usize = 2;

impl Sso {
    /// Searches users, for super-users, in the order of display name and username.
    ///
    /// # Errors
    /// E005001 without the right to, whatever is wrong with the session, but for what configuration lets be shown;
    /// E008002 for a criterion on names that is too short or that no name can be like, and without pages for more users
    /// than one answer may hold.
    pub async fn search_users(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        search: UserSearch,
    ) -> Result<Page<UserView>> {
        let (operation, actor) = (Operation::UserSearch, actor.into());
        self.record(ctx, operation, async |call| {
            self.admit(call, operation.who(), &actor, PasswordAge::Checked).await.map_err(unspecific)?;
            let limits = &self.config().search;
            let page_size = search.page_size.filter(|size| *size >= 1);
            let page_size = page_size.unwrap_or_else(|| limits.default_page_size.into());
            let page_size = page_size.min(limits.max_page_size.into());
            let (paginate, cur_page) = (search.paginate, search.cur_page.max(1));
            call.trail.note("criteria", given(&search).join(", "));
            let Some(criteria) = self.criteria(search)? else {
                return Ok(Page { total: 0, page_size, cur_page, result: Vec::new() });
            };

            let mut conn = self.db().read().await?;
            let now = self.now();
            let hidden = store::user::signup::is_any_hidden(&mut conn, now).await?.then_some(now);
            let total = store::user::search::count(&mut conn, &criteria, hidden).await?;
            let most = i64::from(limits.max_unpaginated);
            if !paginate && most > 0 && total > most {
                let detail =
                    format!("paginate: more than {most} users are found, use pages (search.max_unpaginated)");
                return Err(Error::refused(Code::CommonInvalidInput, detail));
            }
            let (page_size, cur_page) = if paginate { (page_size, cur_page) } else { (total.max(1), 1) };
            let offset = (cur_page - 1).saturating_mul(page_size);
            let wanted = (&criteria, hidden);
            let rows = store::user::search::page(&mut conn, wanted, total, page_size, offset).await?;
            let mut users = rows.into_iter().map(|row| self.open_user(row)).collect::<Result<Vec<_>>>()?;
            self.add_groups(&mut conn, &mut users).await?;
            drop(conn);
            let shown = |user| UserView {
                user: Arc::new(user),
                visibility: Visibility::SuperUser,
                is_current_super_user: true,
            };
            let result = users.into_iter().map(shown).collect();
            call.trail.note("found", total.to_string());
            Ok(Page { total, page_size, cur_page, result })
        })
        .await
    }

    /// What storage is asked for; None for what no user can be like. PostgreSQL knows no NUL in text.
    fn criteria(&self, search: UserSearch) -> Result<Option<Criteria>> {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(user_id) = text(search.user_id) {
            return Ok(UserId::parse(&user_id).map(|_| Criteria::UserId(user_id)));
        }
        let username = text(search.username);
        if username.as_ref().is_some_and(|username| username.contains('\0')) {
            return Ok(None);
        }
        let username_part = match username {
            Some(username) if search.is_name_exact => {
                return Ok(Some(Criteria::Username(self.username_key(&username), username)));
            }
            // Names are kept in this form.
            part => part.map(|part| username_key(&part, false).to_ascii_lowercase()),
        };
        let email = text(search.email.map(|email| email.trim().to_owned()));
        let indexes = |email: String| {
            let indexes = self.core.keyring.blind_index_candidates(&email).into_iter();
            indexes.map(|index| index.to_vec()).collect()
        };
        let group = text(search.group.map(|group| group_key(&group)));
        if group.as_ref().is_some_and(|group| group.contains('\0')) {
            return Ok(None);
        }
        let is_exact = search.is_name_exact;
        Ok(Some(Criteria::All(Filter {
            names: [
                name_criterion("display_name", search.display_name, is_exact)?,
                name_criterion("first_name", search.first_name, is_exact)?,
                name_criterion("middle_name", search.middle_name, is_exact)?,
                name_criterion("last_name", search.last_name, is_exact)?,
            ],
            name_op: search.name_op,
            is_name_exact: search.is_name_exact,
            username_part,
            email_indexes: email.map(indexes),
            sign_up_status: search.sign_up_status,
            approval_status: search.approval_status,
            group,
        })))
    }
}

/// What a search refuses with when the session is none: as little as can be said.
fn unspecific(error: Error) -> Error {
    match error.code() {
        Code::SessionNoSuchSession | Code::SessionExpired => Code::AuthNotAllowed.into(),
        _ => error,
    }
}

/// A name as it is compared, in the forms that may be stored. It is checked like the names that are stored: none can be like what is refused there.
pub(in crate::ops) fn name_criterion(
    field: &'static str,
    name: Option<String>,
    is_exact: bool,
) -> Result<Vec<String>> {
    let Some(name) = check_name(field, name)? else { return Ok(Vec::new()) };
    if !is_exact && name.is_ascii() && name.chars().count() < MIN_PART_LENGTH {
        let detail = format!("{field}: a part of a name has at least {MIN_PART_LENGTH} characters");
        return Err(Error::refused(Code::CommonInvalidInput, detail));
    }
    Ok(stored_forms(&name).iter().map(|form| form.to_uppercase()).collect())
}

/// The names of the criteria, for the audit trail, which does not keep their values.
fn given(search: &UserSearch) -> Vec<&'static str> {
    let criteria = [
        ("user_id", search.user_id.is_some()),
        ("username", search.username.is_some()),
        ("email", search.email.is_some()),
        ("display_name", search.display_name.is_some()),
        ("first_name", search.first_name.is_some()),
        ("middle_name", search.middle_name.is_some()),
        ("last_name", search.last_name.is_some()),
        ("sign_up_status", search.sign_up_status.is_some()),
        ("approval_status", search.approval_status.is_some()),
        ("group", search.group.is_some()),
    ];
    criteria.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_is_two_characters_or_one_of_another_script() {
        let criterion = |name: &str| name_criterion("first_name", Some(name.to_owned()), false);
        assert_eq!(criterion(" Ann ").unwrap(), ["ANN"]);
        assert_eq!(criterion("é☃").unwrap(), ["É☃", "E\u{301}☃"]);
        assert!(criterion("  ").unwrap().is_empty());
        assert_eq!(criterion("李").unwrap(), ["李"]);
        let whole = |name: &str| name_criterion("first_name", Some(name.to_owned()), true);
        assert_eq!(whole(" a ").unwrap(), ["A"]);
        for name in [" a ", "a\0b"] {
            assert_eq!(criterion(name).unwrap_err().code(), Code::CommonInvalidInput, "{name:?}");
        }
    }
}
