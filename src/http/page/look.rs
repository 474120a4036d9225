//! What pages look like: templates, style, script, texts, and what configuration says of them. Read once.

use std::fs;
use std::path::Path;

use axum::body::Bytes;
use data_encoding::BASE64;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value, context};

use crate::config::Config;
use crate::crypto::token;
use crate::http::page::text::Texts;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),+]
    };
}

/// The built-in templates.
const TEMPLATES: &[(&str, &str)] = templates![
    "account.html",
    "account_applications.html",
    "account_codes.html",
    "account_delete.html",
    "account_email.html",
    "account_passkeys.html",
    "account_password.html",
    "account_sessions.html",
    "account_set_up.html",
    "account_two_factor.html",
    "admin.html",
    "admin_audit.html",
    "admin_audit_list.html",
    "admin_client.html",
    "admin_client_field.html",
    "admin_client_new.html",
    "admin_client_secret.html",
    "admin_clients.html",
    "admin_group.html",
    "admin_group_fields.html",
    "admin_groups.html",
    "admin_health.html",
    "admin_keys.html",
    "admin_nav.html",
    "admin_pages.html",
    "admin_search.html",
    "admin_sec_defs.html",
    "admin_sites.html",
    "admin_user.html",
    "confirm.html",
    "consent.html",
    "device.html",
    "field.html",
    "forgot.html",
    "layout.html",
    "login.html",
    "login_code.html",
    "login_password.html",
    "logout.html",
    "message.html",
    "onward.html",
    "passkey.html",
    "reset.html",
    "session.html",
    "signup.html",
];

const STYLE: &str = include_str!("static/style.css");
const SCRIPT: &str = include_str!("static/script.js");

/// The largest picture, and the largest file of CSS.
const MAX_FILE: u64 = 262_144;

/// The kinds of pictures: ending and media type.
const PICTURES: [(&str, &str); 5] = [
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
];

/// What pages look like.
pub(in crate::http) struct Look {
    environment: Environment<'static>,
    /// What they say.
    pub texts: Texts,
    /// The picture that stands in place of the name.
    pub logo: Option<Picture>,
    /// What a browser may do with a page.
    pub policy: String,
    /// What every page shows, but for what depends on its language.
    pub common: Value,
}

/// A picture.
pub(in crate::http) struct Picture {
    /// Its media type.
    pub kind: &'static str,
    /// The file.
    pub bytes: Bytes,
}

impl Look {
    /// The look that configuration asks for.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(config: &Config) -> Result<Self, String> {
        let pages = &config.pages;
        let texts =
            Texts::load(pages.templates.as_deref()).map_err(|why| format!("pages.templates: {why}"))?;
        let environment =
            templates(pages.templates.as_deref()).map_err(|why| format!("pages.templates: {why}"))?;
        let logo =
            pages.logo.as_deref().map(picture).transpose().map_err(|why| format!("pages.logo: {why}"))?;
        let added = match &pages.css {
            Some(path) => text(path).map_err(|why| format!("pages.css: {why}"))?,
            None => String::new(),
        };
        // It would end the element that it stands in.
        if added.contains("</") {
            return Err("pages.css: has </ in it".to_owned());
        }
        if added.contains('\0') {
            return Err("pages.css: has a zero byte in it".to_owned());
        }
        let style = format!("{STYLE}{}{added}", accent(&pages.accent_color));
        // A browser reads every end of a line like this before it looks at the hash.
        let style = style.replace("\r\n", "\n").replace('\r', "\n");
        let hash = |text: &str| BASE64.encode(&token::digest(text));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src 'self'; connect-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
            hash(&style),
            hash(SCRIPT)
        );
        let names = [&pages.site_name, &config.main.site_name].map(|name| name.trim());
        let site_name = names.into_iter().find(|name| !name.is_empty()).unwrap_or("zato-sso").to_owned();
        let languages = texts.names().into_iter().map(|(tag, name)| context! { tag, name });
        let common = context! {
            site_name,
            has_logo => logo.is_some(),
            style => Value::from_safe_string(style),
            script => Value::from_safe_string(SCRIPT.to_owned()),
            passkey_rp => config.passkey_party().map(|party| party.id),
            terms_url => &*pages.terms_url,
            privacy_url => &*pages.privacy_url,
            languages => languages.collect::<Vec<_>>(),
        };
        Ok(Self { environment, texts, logo, policy, common })
    }

    /// A page of a template.
    pub fn render(&self, template: &str, shown: &Value) -> Result<String, minijinja::Error> {
        self.environment.get_template(template)?.render(shown.clone())
    }
}

/// The built-in templates, and those of the folder in their place.
fn templates(folder: Option<&Path>) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).map_err(|error| format!("{name}: {error}"))?;
    }
    let Some(folder) = folder else { return Ok(environment) };
    let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let told = |error: String| format!("{}: {error}", path.display());
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !TEMPLATES.iter().any(|(known, _)| *known == name) {
            let names = TEMPLATES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            return Err(told(format!("there is no page of this name, only {names}")));
        }
        let source = text(&path).map_err(told)?;
        environment.add_template_owned(name, source).map_err(|error| told(error.to_string()))?;
    }
    Ok(environment)
}

fn bounded(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if fs::metadata(path).map_err(told)?.len() > MAX_FILE {
        return Err(format!("{}: is larger than {MAX_FILE} bytes", path.display()));
    }
    fs::read(path).map_err(told)
}

fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(bounded(path)?).map_err(|_| format!("{}: is not UTF-8", path.display()))
}

fn picture(path: &Path) -> Result<Picture, String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let kind = PICTURES.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| format!("{}: is none of .svg, .png, .jpg, .webp", path.display()))?;
    Ok(Picture { kind, bytes: bounded(path)?.into() })
}

/// The style of a colour: on it stands black or white, whichever has the greater contrast (WCAG 2.2, 1.4.3).
fn accent(colour: &str) -> String {
    let digits = colour.trim_start_matches('#');
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let [red, green, blue] = match *digits.as_slice() {
        [r, g, b] => [r * 17, g * 17, b * 17],
        [r1, r2, g1, g2, b1, b2] => [r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2],
        _ => return String::new(),
    };
    let linear = |part: u32| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let on = if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 { "#fff" } else { "#000" };
    format!(":root{{--accent:{colour};--on-accent:{on}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Pages;

    fn load(pages: Pages) -> Result<Look, String> {
        let mut config = Config::default();
        config.pages = pages;
        Look::load(&config)
    }

    #[test]
    fn what_stands_on_a_colour_can_be_read() {
        assert_eq!(accent("#0b57d0"), ":root{--accent:#0b57d0;--on-accent:#fff}");
        assert_eq!(accent("#fd0"), ":root{--accent:#fd0;--on-accent:#000}");
        assert_eq!(accent(""), "");
    }

    #[test]
    fn a_folder_overrides_templates_and_what_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let pages = || Pages { templates: Some(folder.path().to_owned()), ..Pages::default() };
        fs::write(folder.path().join("message.html"), "<p>{{ site_name }}").unwrap();
        let look = load(pages()).unwrap();
        assert_eq!(look.render("message.html", &look.common).unwrap(), "<p>zato-sso");
        for (name, source) in [("login.html", "{% if %}"), ("logn.html", "")] {
            let file = folder.path().join(name);
            fs::write(&file, source).unwrap();
            assert!(load(pages()).is_err_and(|why| why.contains(name)), "{name}");
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn style_of_ones_own_is_in_the_policy_and_cannot_end_its_element() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.css");
        let pages = || Pages { css: Some(file.clone()), ..Pages::default() };
        fs::write(&file, "body{color:red}").unwrap();
        let look = load(pages()).unwrap();
        assert!(look.common.get_attr("style").unwrap().as_str().unwrap().ends_with("body{color:red}"));
        assert_ne!(look.policy, load(Pages::default()).unwrap().policy);
        let of = |source: &str| {
            fs::write(&file, source).unwrap();
            load(pages()).map(|look| look.policy)
        };
        assert_eq!(of("a{}\r\nb{}\rc{}").unwrap(), of("a{}\nb{}\nc{}").unwrap());
        for wrong in ["</style><script>", "a{}\0"] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn style_and_script_are_small() {
        // Far below the 40 KB that both may take when they are compressed.
        assert!(STYLE.len() + SCRIPT.len() < 20_000);
    }
}
