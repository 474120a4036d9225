//! A browser for the pages: it keeps cookies, sends forms with what stands in them, and follows nothing by itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rest::{Connection, Server, request};
use crate::support::{Kind, PASSWORD};

/// What an answer was.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(key, _)| key == "set-cookie");
        lines.map(|(_, value)| value.as_str()).collect()
    }

    /// Where it sends the browser.
    #[track_caller]
    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.body);
        self.header("location").unwrap()
    }

    /// The value of an input.
    #[track_caller]
    pub fn input(&self, name: &str) -> String {
        let inputs = self.body.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap());
        let input = inputs.into_iter().find(|input| input.contains(&format!("name=\"{name}\"")));
        let input = input.unwrap_or_else(|| panic!("no input {name} in {}", self.body));
        let value = input.split_once("value=\"").map_or("", |(_, rest)| rest.split('"').next().unwrap());
        unescaped(value)
    }

    pub fn has_input(&self, name: &str) -> bool {
        self.body.contains(&format!("name=\"{name}\""))
    }

    /// Everything that a person reads.
    pub fn text(&self) -> String {
        let body = self.body.split("<body>").nth(1).unwrap_or(&self.body);
        let body = body.split("<script>").next().unwrap();
        let mut text = String::new();
        let mut is_tag = false;
        for c in body.chars() {
            match c {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    text.push(' ');
                }
                c if !is_tag => text.push(c),
                _ => {}
            }
        }
        unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[track_caller]
    pub fn shows(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert!(self.text().contains(text), "{text:?} is not in {:?}", self.text());
    }
}

pub fn unescaped(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, meant)| text.replace(entity, meant))
}

/// A browser, on this machine unless it says that it came by another host name.
pub struct Browser {
    pub server: Server,
    pub host: String,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, json!({})).await
    }

    pub async fn with(kind: Kind, more: Value) -> Self {
        let server = Server::with(kind, more).await;
        Self { server, host: "localhost".to_owned(), cookies: BTreeMap::new() }
    }

    pub fn get(&mut self, path: &str) -> Seen {
        self.send("GET", path, &[], "")
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &str) -> Seen {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = format!("Cookie: {}", cookies.join("; "));
        let form = "Content-Type: application/x-www-form-urlencoded";
        let headers: Vec<&str> = headers.iter().copied().chain([cookie.as_str(), form]).collect();
        let text = request(&format!("{method} root:{path}"), &headers, body);
        let text = text.replacen("Host: localhost", &format!("Host: {}", self.host), 1);
        let mut connection: Connection = self.server.connect();
        connection.write(text);
        let answer = connection.answer();
        let seen = Seen { status: answer.status, headers: answer.headers, body: answer.body };
        for line in seen.cookies() {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        seen
    }

    /// Sends the form of a page, as a browser does that tells where it comes from.
    pub fn post(&mut self, path: &str, form_token: &str, fields: &[(&str, &str)]) -> Seen {
        let body = encoded(fields.iter().copied().chain([("form_token", form_token)]));
        self.send("POST", path, &["Sec-Fetch-Site: same-origin"], &body)
    }

    /// Opens a page and sends its form.
    #[track_caller]
    pub fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{path}: {page:?}");
        let form_token = page.input("form_token");
        self.post(path.split('?').next().unwrap(), &form_token, fields)
    }

    /// Signs in, also where somebody is.
    #[track_caller]
    pub fn sign_in(&mut self, username: &str) -> Seen {
        let answer = self.submit("/login?again=1", &[("username", username), ("password", PASSWORD)]);
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer
    }
}

pub fn encoded<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
