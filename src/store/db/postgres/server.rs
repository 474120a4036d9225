//! Where a PostgreSQL server is: its URL, which may name several hosts, and how long it is waited for.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::domain::one_line;

/// How many statements a connection remembers.
const STATEMENTS: usize = 256;

/// The name that connections have in `pg_stat_activity`, unless the URL gives another.
const APPLICATION_NAME: &str = "zato-sso";

const NOT_ENCODED: &str = "its user name or password has a character that must be percent-encoded: @ as %40, / as %2F, ? as %3F, # as %23, \
     % as %25";

/// A PostgreSQL server, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its URL, which may hold a password and name several hosts.
    pub url: SecretString,
    /// Where changes are heard of, if not there.
    pub listen_url: Option<SecretString>,
    /// Whether a pooler that gives each transaction another connection is in front of it.
    pub has_transaction_pooler: bool,
    /// How long a connection may take, a new one or one that is to become free.
    pub connect_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a connection that nobody needs is kept.
    pub idle_timeout: Duration,
}

impl Server {
    /// The server of this URL, with the usual time limits.
    #[must_use]
    pub const fn at(url: SecretString) -> Self {
        Self {
            url,
            listen_url: None,
            has_transaction_pooler: false,
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
        }
    }

    /// Its hosts.
    ///
    /// # Errors
    /// What is wrong with the URL, without repeating it.
    pub fn hosts(&self) -> Result<Hosts, String> {
        let hosts = Hosts::parse(self.url.expose_secret())?;
        Ok(if self.has_transaction_pooler { hosts.without_named_statements() } else { hosts })
    }

    /// The hosts that changes are heard of from: None if they cannot be.
    ///
    /// # Errors
    /// As [`Self::hosts`].
    pub fn hosts_to_listen(&self) -> Result<Option<Hosts>, String> {
        match &self.listen_url {
            Some(url) => Hosts::parse(url.expose_secret()).map(Some),
            None if self.has_transaction_pooler => Ok(None),
            None => self.hosts().map(Some),
        }
    }
}

/// The hosts of a URL. A connection is tried with one after the other.
#[derive(Clone)]
pub struct Hosts {
    /// One at least.
    pub all: Vec<PgConnectOptions>,
    /// Whether only a host that can be written to will do.
    pub must_be_writable: bool,
}

/// The driver's own text would have the password.
impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As a URL without user, password and parameters.
impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.all.first().and_then(PgConnectOptions::get_database).unwrap_or_default();
        let folder = |host: &PgConnectOptions| match host.get_socket() {
            Some(folder) => Some(folder.display().to_string()),
            None => host.get_host().starts_with('/').then(|| host.get_host().to_owned()),
        };
        if let Some(folder) = self.all.first().and_then(folder) {
            return write!(f, "postgresql:///{database}?host={folder}");
        }
        f.write_str("postgresql://")?;
        for (index, host) in self.all.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}:{}", host.get_host(), host.get_port())?;
        }
        write!(f, "/{database}")
    }
}

impl Hosts {
    /// The hosts of a URL: `postgresql://user:password@host:port,host:port/database?parameters`. As in libpq, hosts and
    /// ports may also be parameters, and without a host it is the Unix socket.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.trim().split_once("://").ok_or("it has no ://")?;
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        // What looks like a path may be the rest of a password, and must appear nowhere then.
        let has_user = authority.is_empty() || authority.contains('@');
        if path.contains('@') || tail.contains('#') || (query.contains('@') && !has_user) {
            return Err(NOT_ENCODED.to_owned());
        }
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let mut parameters = Parameters::default();
        query.split('&').filter(|pair| !pair.is_empty()).for_each(|pair| parameters.add(pair));
        let places = parameters.places(hosts)?;
        let must_be_writable = match parameters.target.as_deref() {
            None => places.len() > 1,
            Some("any") => false,
            Some("read-write" | "primary") => true,
            Some(_) => return Err("target_session_attrs must be any, read-write or primary".to_owned()),
        };
        let rest = parameters.rest.join("&");
        let all = places.into_iter().map(|(host, port)| {
            let port = port.map(|port| format!("&port={port}")).unwrap_or_default();
            // A user name needs a host behind it.
            let is_default = host.is_empty();
            let place = if is_default && !user.is_empty() { "localhost" } else { &host };
            let (place, by_parameter) = match place {
                folder if folder.starts_with(['/', '%']) => ("localhost", format!("&host={folder}")),
                place => (place, String::new()),
            };
            let url = format!("{scheme}://{user}{place}{path}?{rest}{by_parameter}{port}");
            let options = PgConnectOptions::from_str(&url).map_err(|error| one_line(&error.to_string()))?;
            let options = if is_default && place == "localhost" {
                let usual = PgConnectOptions::new_without_pgpass().port(options.get_port());
                options.host(usual.get_host())
            } else {
                options
            };
            Ok(usual(options))
        });
        Ok(Self { all: all.collect::<Result<_, String>>()?, must_be_writable })
    }

    /// The same where the next statement may come to another connection of the server.
    fn without_named_statements(self) -> Self {
        let all = self.all.into_iter().map(|host| host.statement_cache_capacity(0)).collect();
        Self { all, ..self }
    }
}

/// What all connections have. Poolers refuse what they do not know, as `extra_float_digits`, and no column is a float.
fn usual(options: PgConnectOptions) -> PgConnectOptions {
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name(APPLICATION_NAME),
    };
    options.extra_float_digits(None).statement_cache_capacity(STATEMENTS).disable_statement_logging()
}

/// The parameters of a URL: those read here, and the rest as they are.
#[derive(Default)]
struct Parameters<'a> {
    hosts: Option<&'a str>,
    ports: Option<&'a str>,
    target: Option<String>,
    rest: Vec<&'a str>,
}

impl<'a> Parameters<'a> {
    fn add(&mut self, pair: &'a str) {
        match pair.split_once('=') {
            Some(("host" | "hostaddr", hosts)) => self.hosts = Some(hosts),
            Some(("port", ports)) => self.ports = Some(ports),
            Some(("target_session_attrs", target)) => self.target = Some(target.to_ascii_lowercase()),
            // The limits of the configuration hold.
            Some((name, _)) if name == "connect_timeout" || name.starts_with("keepalives") => {}
            _ => self.rest.push(pair),
        }
    }

    /// Each host, with its port where that is a parameter.
    fn places(&self, hosts: &str) -> Result<Vec<(String, Option<String>)>, String> {
        let hosts: Vec<String> = self.hosts.unwrap_or(hosts).split([',']).map(decode_commas).collect();
        let hosts: Vec<String> = hosts.iter().flat_map(|host| host.split(',')).map(str::to_owned).collect();
        let Some(ports) = self.ports else {
            return Ok(hosts.into_iter().map(|host| (host, None)).collect());
        };
        let ports = decode_commas(ports);
        let ports: Vec<&str> = ports.split(',').collect();
        if ports.len() != 1 && ports.len() != hosts.len() {
            return Err(format!("it has {} hosts and {} ports", hosts.len(), ports.len()));
        }
        let ports = ports.iter().cycle().map(|port| Some((*port).to_owned()));
        Ok(hosts.into_iter().zip(ports).collect())
    }
}

fn decode_commas(text: &str) -> String {
    text.replace("%2C", ",").replace("%2c", ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        match Hosts::parse(url) {
            Ok(hosts) => format!("{hosts:?} {}", hosts.must_be_writable),
            Err(why) => why,
        }
    }

    #[test]
    fn one_host_or_several_are_read_from_a_url() {
        assert_eq!(shown("postgresql://u:p@h/db"), "postgresql://h:5432/db false");
        assert_eq!(shown("postgres://u:p@h:1,i:2,j/db"), "postgresql://h:1,i:2,j:5432/db true");
        assert_eq!(
            shown("postgresql://h,i/db?target_session_attrs=any"),
            "postgresql://h:5432,i:5432/db false"
        );
        assert_eq!(shown("postgresql://h/db?target_session_attrs=primary"), "postgresql://h:5432/db true");
        assert_eq!(shown("postgresql://u@/db?host=h,i&port=1,2"), "postgresql://h:1,i:2/db true");
        assert_eq!(shown("postgresql://u@/db?host=h%2Ci&port=7"), "postgresql://h:7,i:7/db true");
        assert_eq!(shown("postgresql:///db?host=/run/pg&port=5433"), "postgresql:///db?host=/run/pg false");
        assert_eq!(shown("postgresql://u@%2Frun%2Fpg/db"), "postgresql:///db?host=/run/pg false");
        assert_eq!(shown("postgresql://u:p@[::1]:7/db"), "postgresql://[::1]:7/db false");
        assert_eq!(shown("postgresql://h/db?target_session_attrs=standby"), {
            "target_session_attrs must be any, read-write or primary"
        });
        assert_eq!(shown("postgresql:///db?host=h,i,j&port=1,2"), "it has 3 hosts and 2 ports");
    }

    #[test]
    fn the_application_has_the_name_that_the_url_gives_it() {
        let name = |url| Hosts::parse(url).unwrap().all[0].get_application_name().map(str::to_owned);
        assert_eq!(name("postgresql://h/db?application_name=billing").as_deref(), Some("billing"));
        assert_eq!(name("postgresql://h/db").as_deref(), Some("zato-sso"));
    }

    #[test]
    fn no_part_of_a_password_is_shown_where_it_is_not_encoded() {
        for password in [
            "p/SECRET",
            "p?SECRET",
            "p#SECRET",
            "SECRET/w",
            "12/SECRET",
            "12?SECRET",
            "p@SECRET",
            "12#SECRET",
            "p%SECRET",
        ] {
            for url in
                [format!("postgresql://u:{password}@h:7/db"), format!("postgresql://u:{password}@h,i/db")]
            {
                let text = shown(&url);
                assert!(!text.contains("SECRET"), "{url}: {text}");
            }
        }
        assert_eq!(shown("postgresql://u:p@w@h/db"), "postgresql://h:5432/db false");
        assert_eq!(shown("postgresql://u:12/w@h/db"), NOT_ENCODED);
    }
}
