//! Sends one email through an SMTP server.

use std::error::Error as _;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::config::{Config, SmtpServer, SmtpTls};
use crate::domain::{Email, EmailAddress, split_sender};

/// How long the server may take for one step of a conversation.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a whole check of the server may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(15);

/// Why an email was not delivered. Neither holds an address or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Undelivered {
    /// It may work later.
    ForNow(String),
    /// It never will.
    ForGood(String),
    /// There is neither a server nor a hook that sends.
    NoWay,
}

/// The way to the configured server. One connection an email, so that none is kept across a fork, or goes stale.
#[derive(Debug)]
pub(in crate::ops) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
}

impl Smtp {
    /// None where no server is configured.
    ///
    /// # Errors
    /// The key that is wrong, and how; never the URL.
    pub fn new(config: &Config) -> Result<Option<Self>, String> {
        let Some(server) = config.smtp.server().map_err(|error| format!("smtp.url {error}"))? else {
            return Ok(None);
        };
        let sender = sender(&config.password_reset.email_from, &server)?;
        let tls = match server.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::StartTls => Tls::Required(tls_parameters(&server)?),
            SmtpTls::Wrapper => Tls::Wrapper(tls_parameters(&server)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(STEP_TIMEOUT));
        if let Some((user, password)) = server.credentials {
            builder = builder.credentials(Credentials::new(user, password.expose_secret().to_owned()));
        }
        Ok(Some(Self { transport: builder.build(), sender }))
    }

    /// Whether the server can be reached and lets us in; no email is sent.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self) -> Result<(), String> {
        let outcome = timeout(CHECK_TIMEOUT, self.transport.test_connection()).await;
        match outcome.map(|outcome| outcome.map_err(|error| reason(&error))) {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(Undelivered::ForNow(why) | Undelivered::ForGood(why))) => Err(why),
            Ok(Ok(false) | Err(Undelivered::NoWay)) | Err(_) => {
                Err("the server does not answer in time".to_owned())
            }
        }
    }

    /// Delivers an email, or tells why not.
    pub async fn deliver(&self, email: &Email) -> Result<(), Undelivered> {
        let message = self.message(email)?;
        self.transport.send(message).await.map(drop).map_err(|error| reason(&error))
    }

    fn message(&self, email: &Email) -> Result<Message, Undelivered> {
        let unusable = |why: &'static str| Undelivered::ForGood(why.to_owned());
        // The name in front of an address is for the user to see, and theirs is not needed.
        let to = address(&email.to).ok_or_else(|| unusable("the address of the user is no email address"))?;
        let date = UNIX_EPOCH + Duration::from_secs(email.date.as_unix_seconds());
        let builder = Message::builder()
            .from(self.sender.clone())
            .to(Mailbox::new(None, to))
            .subject(email.subject.as_str())
            .date(date)
            .message_id(Some(format!("<{}@{}>", email.id, self.sender.email.domain())))
            .raw_header(HeaderValue::new(
                // Suppresses automatic replies (RFC 3834, section 5).
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        let message = match &email.html {
            Some(html) => {
                builder.multipart(MultiPart::alternative_plain_html(email.text.clone(), html.clone()))
            }
            None => builder.header(ContentType::TEXT_PLAIN).body(email.text.clone()),
        };
        message.map_err(|_| unusable("the email cannot be put together"))
    }
}

/// The sender: as configured, else the user of the SMTP server, else `nobody` at its host.
fn sender(configured: &str, server: &SmtpServer) -> Result<Mailbox, String> {
    if !configured.is_empty() {
        let wrong = "password_reset.email_from must be an email address, such as SSO <sso@example.com>";
        let (name, given) = split_sender(configured);
        let address = address(given).ok_or_else(|| wrong.to_owned())?;
        return Ok(Mailbox::new(name.map(str::to_owned), address));
    }
    let user = server.credentials.as_ref().map(|(user, _)| user.as_str());
    let address = user
        .filter(|user| user.contains('@'))
        .map_or_else(|| format!("no-reply@{}", server.host), str::to_owned);
    self::address(&address)
        .or_else(|| self::address("no-reply@localhost"))
        .map(|address| Mailbox::new(None, address))
        .ok_or_else(|| "password_reset.email_from: needed where smtp.url is set".to_owned())
}

/// An address as every server takes it: the domain in ASCII, since few know SMTPUTF8. What stands before the @ may still
/// need that. It was checked by the one rule that there is for addresses, which is stricter than that of the library.
fn address(text: &str) -> Option<Address> {
    let address = EmailAddress::parse(text.trim()).ok()?;
    Some(Address::new_dangerous(address.local(), address.ascii_domain()))
}

fn tls_parameters(server: &SmtpServer) -> Result<TlsParameters, String> {
    TlsParameters::new(server.host.clone())
        .map_err(|_| "smtp.url: its host cannot be in a certificate, so that it needs tls=none".to_owned())
}

/// Why it failed, in words that hold neither the address nor what the server says, which may quote it.
fn reason(error: &lettre::transport::smtp::Error) -> Undelivered {
    if let Some(code) = error.status() {
        let why = format!("the server answered {code}");
        // A login that it refuses (RFC 4954, section 6) says nothing about the email.
        let is_login = matches!(u16::from(code), 530 | 534 | 535 | 538);
        return if error.is_permanent() && !is_login {
            Undelivered::ForGood(why)
        } else {
            Undelivered::ForNow(why)
        };
    }
    if error.is_client() {
        return Undelivered::ForNow(
            "the server does not offer what is configured: STARTTLS, or a way to log in".to_owned(),
        );
    }
    if error.is_timeout() {
        return Undelivered::ForNow("the server does not answer in time".to_owned());
    }
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            // That is how a handshake fails.
            let is_tls = io.kind() == io::ErrorKind::InvalidData;
            return Undelivered::ForNow(if is_tls {
                "no encrypted connection: is the certificate valid for the host?".to_owned()
            } else {
                format!("no connection to the server: {}", io.kind())
            });
        }
        source = inner.source();
    }
    Undelivered::ForNow("no connection to the server".to_owned())
}
