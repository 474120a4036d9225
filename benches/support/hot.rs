//! The hot pieces, one by one: what a request is made of that costs time and is not the database.

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use zato_sso::crypto::{Keyring, Place, token, totp};
use zato_sso::domain::{Cid, Context, Password, RemoteAddr, SystemRandom, Timestamp, Ust};
use zato_sso::http;
use zato_sso::ops::Asker;

use crate::support::Result;
use crate::support::database::{Kind, World, ctx};

/// What is sealed: as long as a password's hash, which is the longest that a login opens.
const VALUE: &[u8] =
    b"$argon2id$v=19$m=19456,t=2,p=1$Ovzhrv9lvTWpQAnRUVxRcw$tc14W0yNb/7tUWF4OcQdbflzh9wDrhXAXKWBbABseAU";

const PLACE: Place<'_> =
    Place { table: "sso_user", column: "password_hash", row: b"usr6zq4nd7a0m8y3k7d9c1f2g" };

/// Something short that is done very often.
pub struct Piece<'a> {
    /// Its name in reports.
    pub name: &'static str,
    /// Does it once.
    pub run: Box<dyn FnMut() -> Result<()> + 'a>,
}

impl<'a> Piece<'a> {
    fn new(name: &'static str, run: impl FnMut() -> Result<()> + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// Databases with sessions in them, and what drives calls on them.
pub struct Stage {
    runtime: Runtime,
    cached: World,
    strict: World,
    target: String,
    current: String,
    strict_target: String,
    strict_current: String,
}

impl Stage {
    /// Makes them: passwords cost next to nothing here, as they are no part of any piece.
    pub fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let hash = json!({"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": true});
        let cached = runtime.block_on(World::with(Kind::Sqlite, json!({"hash_secret": hash})))?;
        let strict = json!({"hash_secret": hash, "session.cache": "off"});
        let strict = runtime.block_on(World::with(Kind::Sqlite, strict))?;
        let (target, current) = runtime.block_on(cached.two_sessions())?;
        let (strict_target, strict_current) = runtime.block_on(strict.two_sessions())?;
        Ok(Self { runtime, cached, strict, target, current, strict_target, strict_current })
    }

    /// Those that are calls of the whole, in an order that stays.
    pub fn pieces(&self) -> Result<Vec<Piece<'_>>> {
        let mut pieces = Vec::new();
        let ctx = &*Box::leak(Box::new(ctx()));
        let (target, current) = (Ust::from(self.target.as_str()), Ust::from(self.current.as_str()));
        let known = Ust::from(self.target.as_str());
        let sso = &self.cached.sso;
        let asker: Asker<'_> = ctx.into();
        pieces.push(Piece::new("verify_session_fast", move || {
            let is_valid = sso.verify_session_fast(asker, &self.target, &self.current);
            // The first time there is nothing to be had at once.
            let ask = || {
                let (target, current) = (Ust::from(self.target.as_str()), Ust::from(self.current.as_str()));
                self.at_once(sso.verify_session(ctx, current, &target))
            };
            expect(is_valid.map_or_else(ask, Ok)?)
        }));
        pieces.push(Piece::new("verify_session", move || {
            expect(self.at_once(sso.verify_session(ctx, &current, &target))?)
        }));
        pieces.push(Piece::new("get_current_user", move || {
            self.at_once(sso.get_current_user(ctx, &known, false)).map(drop).map_err(Into::into)
        }));
        let (target, current) =
            (Ust::from(self.strict_target.as_str()), Ust::from(self.strict_current.as_str()));
        let sso = &self.strict.sso;
        pieces.push(Piece::new("verify_session, cache off", move || {
            expect(self.at_once(sso.verify_session(ctx, &current, &target))?)
        }));
        let body = json!({"target_ust": self.target, "current_ust": self.current}).to_string();
        let router = TowerToHyperService::new(http::router(self.cached.sso.clone()));
        let idle = router.clone();
        pieces.push(Piece::new("REST, /health/live", move || {
            let request = Request::get("/health/live").body(Body::empty())?;
            let answer = self.at_once(idle.call(request))?;
            expect(answer.status() == 200)
        }));
        pieces.push(Piece::new("REST, verify", move || {
            let request = Request::post("/zato/sso/user/session").body(Body::from(body.clone()))?;
            let answer = self.at_once(router.call(request))?;
            let text = self.at_once(to_bytes(answer.into_body(), 1_000))?;
            expect(str::from_utf8(&text)?.contains(r#""is_valid":true"#))
        }));
        Ok(pieces)
    }

    /// The result of a future: at its first step if it is ready then, as from Python.
    fn at_once<T>(&self, future: impl Future<Output = T>) -> T {
        let _in_runtime = self.runtime.enter();
        let mut future = pin!(future);
        match future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => self.runtime.block_on(future),
        }
    }

    /// Closes and removes everything.
    pub fn remove(self) -> Result<()> {
        self.runtime.block_on(self.cached.remove())?;
        self.runtime.block_on(self.strict.remove())
    }
}

/// Those that need no stage.
pub fn plain_pieces() -> Result<Vec<Piece<'static>>> {
    let ust = token::new_ust(&SystemRandom)?;
    let now = Timestamp::from_micros(1_790_000_000_000_000);
    let keyring = Keyring::generate(&SystemRandom, now)?;
    let sealed = keyring.seal(PLACE, VALUE, &SystemRandom)?;
    let opener = Keyring::parse(&keyring.to_file_text())?;
    let (key, code) = (totp::new_key(&SystemRandom)?, Password::from("123456"));
    Ok(vec![
        Piece::new("digest of a token", move || {
            expect(std::hint::black_box(token::digest(std::hint::black_box(ust.expose()))) != [0; 32])
        }),
        Piece::new("new token", || token::new_ust(&SystemRandom).map(drop).map_err(Into::into)),
        Piece::new("seal", move || keyring.seal(PLACE, VALUE, &SystemRandom).map(drop).map_err(Into::into)),
        Piece::new("open", move || opener.open(PLACE, &sealed).map(drop).map_err(Into::into)),
        Piece::new("TOTP", move || {
            std::hint::black_box(totp::matching_step(&key, &code, now)?);
            Ok(())
        }),
        Piece::new("address", || {
            let address = RemoteAddr::from(std::hint::black_box("203.0.113.7"));
            expect(address.ips().all(|ip| ip.is_some()))
        }),
        Piece::new("context of a call", || {
            let (current_app, remote_addr) = ("CRM".to_owned(), RemoteAddr::from("127.0.0.1"));
            drop(std::hint::black_box(Context {
                cid: Cid::new("bench"),
                current_app,
                remote_addr,
                language: None,
            }));
            Ok(())
        }),
    ])
}

fn expect(holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err("it did not do what it should".into()) }
}
