//! A form that was sent when its session had ended meanwhile, or when its login was not fresh enough. It is kept in a cookie until its sender has signed in again, and is
//! then shown, not sent: the one who has signed in looks at it first, and is the one who has typed it.
//!
//! Only forms without secrets that change nothing but names are kept. Of all others the page says that nothing was saved.

use data_encoding::BASE64URL_NOPAD;

use crate::http::page::cookie::{Jar, MAX_LENGTH, Name};
use crate::http::page::form::Fields;

/// For how many seconds a browser keeps it.
const SECONDS: u64 = 600;

/// The pages whose forms are kept.
const KEPT: [&str; 5] = [
    "/account",
    "/admin/groups",
    "/admin/group/{group_id}",
    "/admin/clients/new",
    "/admin/client/{client_id}",
];

/// The field that says who has typed it.
const WHOSE: &str = "whose";

/// The line that keeps a form of this page; None of one that is not kept.
pub(in crate::http) fn keep(jar: &Jar, page: &str, path: &str, form: &Fields) -> Option<String> {
    if !KEPT.contains(&page) || !form.has(WHOSE) {
        return None;
    }
    let value = BASE64URL_NOPAD.encode(format!("{path}?{}", form.encoded()).as_bytes());
    (value.len() <= MAX_LENGTH).then(|| jar.set(Name::Draft, &value, Some(SECONDS)))
}

/// The form that was kept of the page with this path, if it is of this user.
pub(in crate::http) fn read(jar: &Jar, path: &str, username: &str) -> Option<Fields> {
    let kept = BASE64URL_NOPAD.decode(jar.get(Name::Draft)?.as_bytes()).ok()?;
    let kept = String::from_utf8(kept).ok()?;
    let form = Fields::read(kept.strip_prefix(path)?.strip_prefix('?')?.as_bytes());
    (form.get(WHOSE) == username).then_some(form)
}
