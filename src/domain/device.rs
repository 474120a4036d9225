//! What people log in with, in words.

/// Browsers by what their user agents have; those whose user agents name others as well come first.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// What they run on.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// The browser that a user agent names, and the system that it runs on, if it is a known one. Both stay the same from one
/// version of a browser to the next. None of a program that is no browser.
#[must_use]
pub fn browser_and_system(user_agent: &str) -> Option<(&'static str, Option<&'static str>)> {
    if !user_agent.starts_with("Mozilla/") {
        return None;
    }
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    Some((find(&BROWSERS)?, find(&SYSTEMS)))
}

/// The same as people say it: `Firefox on Windows`.
#[must_use]
pub fn device_name(user_agent: &str) -> Option<String> {
    let (browser, system) = browser_and_system(user_agent)?;
    Some(system.map_or_else(|| browser.to_owned(), |system| format!("{browser} on {system}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_with_what_they_run_on() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        let iphone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (user_agent, name) in [
            (format!("{windows} Chrome/120.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (format!("{windows} Chrome/121.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (format!("{windows} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91"), "Edge on Windows"),
            (format!("{iphone} Version/17.1 Mobile/15E148 Safari/604.1"), "Safari on iPhone"),
            (format!("{iphone} CriOS/120.0 Mobile/15E148 Safari/604.1"), "Chrome on iPhone"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0".into(),
                "Firefox on Linux",
            ),
            ("Mozilla/5.0 Firefox/121.0".into(), "Firefox"),
        ] {
            assert_eq!(device_name(&user_agent).as_deref(), Some(name), "{user_agent}");
        }
        for other in ["", "curl/8.5.0", "Firefox", "Mozilla/5.0", "Mozilla/5.0 (compatible; Bot/1.0)"] {
            assert_eq!(device_name(other), None, "{other}");
        }
    }
}
