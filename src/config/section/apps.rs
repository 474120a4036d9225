//! The section `apps`.

use std::collections::BTreeMap;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section};
use crate::domain::SecType;

section! {
    /// The applications on whose behalf calls are made, and what each may do.
    Apps = "apps" {
        /// Every known application. Calls of any other are rejected.
        all: Vec<String> = vec!["CRM".into()],
        /// Those that may sign users up.
        signup_allowed: Vec<String> = Vec::new(),
        /// Those that may log users in. Not given: all of apps.all.
        login_allowed: Vec<String> = vec!["CRM".into()],
        /// Those that may send login metadata: the remote address and user agent of another client.
        login_metadata_allowed: Vec<String> = Vec::new(),
        /// Whether their login metadata counts over REST whoever sends it: anybody can name an application. Otherwise it counts
        /// through a proxy in http.trusted_proxies, or with a credential of the application.
        login_metadata_from_anybody: bool = false,
        /// The security definitions of an application, by type and name, such as ["basic_auth.crm", "jwt.crm"]. Over REST it is
        /// then accepted only from who authenticates with one of them.
        credentials: BTreeMap<String, Vec<String>> = BTreeMap::new(),
        /// The application of a call that names none. Not given: the first of apps.all.
        default: String = "CRM".into(),
        /// The HTTP header in which a REST call may name its application.
        http_header: String = "X-Zato-SSO-Current-App".into(),
        /// Whether a login learns that its application may not log users in (E004001, else E005001).
        inform_if_app_invalid: bool = true,
    }
}

impl Apps {
    /// Where `apps.all` is given, the keys that depend on it follow it unless they are given too.
    pub(in crate::config) fn follow_all(&mut self, is_given: impl Fn(&str) -> bool) {
        if !is_given("apps.all") {
            return;
        }
        if !is_given("apps.login_allowed") {
            self.login_allowed.clone_from(&self.all);
        }
        if let Some(first) = self.all.first()
            && !is_given("apps.default")
        {
            self.default.clone_from(first);
        }
    }
}

impl Validate for Apps {
    fn validate(&self) -> Result<(), Invalid> {
        if self.all.is_empty() || self.all.iter().any(|app| app.trim().is_empty()) {
            return Err(Invalid::new(
                "apps.all",
                "must name at least one application, and none may be blank",
            ));
        }
        let built_in = Self::default();
        let lists = [
            ("apps.signup_allowed", &self.signup_allowed, &built_in.signup_allowed),
            ("apps.login_allowed", &self.login_allowed, &built_in.login_allowed),
            ("apps.login_metadata_allowed", &self.login_metadata_allowed, &built_in.login_metadata_allowed),
        ];
        for (key, list, built_in) in lists {
            // Defaults that were not given need not be emptied.
            if let Some(unknown) = list.iter().find(|app| list != built_in && !self.all.contains(app)) {
                return Err(Invalid::against(
                    key,
                    "apps.all",
                    format!("names {unknown:?}, which is not in apps.all"),
                ));
            }
        }
        if self.default != built_in.default && !self.all.contains(&self.default) {
            let problem = format!("is {:?}, which is not in apps.all", self.default);
            return Err(Invalid::against("apps.default", "apps.all", problem));
        }
        for (app, definitions) in &self.credentials {
            let key = "apps.credentials";
            if !self.all.contains(app) {
                let problem = format!("names {app:?}, which is not in apps.all");
                return Err(Invalid::against(key, "apps.all", problem));
            }
            let is_definition = |text: &String| {
                text.split_once('.')
                    .is_some_and(|(kind, name)| SecType::parse(kind).is_some() && !name.is_empty())
            };
            if definitions.is_empty() || !definitions.iter().all(is_definition) {
                let problem =
                    format!("{app}: expected definitions such as [\"basic_auth.crm\", \"jwt.crm\"]");
                return Err(Invalid::new(key, problem));
            }
        }
        // RFC 9110, section 5.6.2: a token.
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if self.http_header.is_empty() || !self.http_header.chars().all(is_token) {
            return Err(Invalid::new("apps.http_header", "must be the name of an HTTP header"));
        }
        Ok(())
    }
}
