//! Scopes, as they stand between blanks.

/// Words between blanks.
pub(in crate::ops) fn words(text: &str) -> Vec<&str> {
    text.split(' ').filter(|word| !word.is_empty()).collect()
}

/// Whether all of these are among scopes between blanks.
pub(in crate::ops) fn has_all(allowed: &str, scopes: &[String]) -> bool {
    scopes.iter().all(|scope| allowed.split(' ').any(|known| known == scope))
}

/// Scopes between blanks, and these.
pub(in crate::ops) fn merged(allowed: Option<&str>, scopes: &[String]) -> String {
    let mut all = words(allowed.unwrap_or_default());
    for scope in scopes {
        if !all.contains(&scope.as_str()) {
            all.push(scope);
        }
    }
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_kept_once_each() {
        let scopes = ["email".to_owned(), "openid".to_owned()];
        assert_eq!(merged(None, &scopes), "email openid");
        assert_eq!(merged(Some("openid profile"), &scopes), "openid profile email");
        assert!(has_all("openid email x", &scopes) && !has_all("openid", &scopes) && has_all("", &[]));
    }
}
