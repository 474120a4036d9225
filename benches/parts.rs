//! The parts that the product is made of, each alone: what the Python benchmarks compare with. One program runs all of
//! them in its own process, on request: a JSON object a line on standard input, such as `{"do": "hash", …}`, and for each
//! a JSON object a line on standard output. It ends with its input.
//!
//! | do | |
//! |---|---|
//! | `query` | one prepared statement, through sqlx's pool, as a number of callers, committed each by itself |
//! | `hash` | Argon2id and nothing else, on a number of threads |
//! | `empty_handler` | starts an axum handler that does nothing, and says at which address |
//! | `insert` | rows of users and identities, as an import makes them, a statement each, a thousand a transaction |
//! | `ask` | sends the same request over a number of kept connections, all on one thread |

#[allow(dead_code, reason = "the databases and the report are for the others")]
mod support;

use std::collections::HashMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::net::{SocketAddr, TcpListener};
use std::str::FromStr;
use std::time::{Duration, Instant};

use axum::Router;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use support::rest_client::{Asking, requests_per_second};
use support::{Result, argon2id, cores};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use uuid::Uuid;

/// As many connections as the product has by default.
const CONNECTIONS: u32 = 16;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Query {
        url: String,
        sql: String,
        digests: Vec<String>,
        callers: usize,
        seconds: f64,
    },
    Hash {
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
        threads: usize,
        seconds: f64,
    },
    Insert {
        url: String,
        users: u32,
    },
    EmptyHandler,
    Ask {
        addresses: Vec<SocketAddr>,
        connections: usize,
        request: String,
        expected: String,
        numbers: u32,
        seconds: f64,
    },
}

fn main() -> Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(cores()).enable_all().build()?;
    let mut databases = HashMap::new();
    for line in stdin().lock().lines() {
        let answer = serde_json::from_str(&line?)
            .map_err(Into::into)
            .and_then(|request| answer(&runtime, &mut databases, request))
            .unwrap_or_else(|error| json!({"error": error.to_string()}));
        let mut out = stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(runtime: &Runtime, databases: &mut HashMap<String, Pool>, request: Request) -> Result<Value> {
    let per_second = match request {
        Request::Query { url, sql, digests, callers, seconds } => {
            let pool = match databases.get(&url) {
                Some(pool) => pool.clone(),
                None => databases.entry(url.clone()).or_insert(runtime.block_on(Pool::open(&url))?).clone(),
            };
            let digests = digests.iter().map(|text| bytes(text)).collect::<Result<_>>()?;
            let statement = Statement { pool, sql, digests };
            runtime.block_on(statement.per_second(callers, Duration::from_secs_f64(seconds)))?
        }
        Request::Hash { memory_kib, iterations, parallelism, threads, seconds } => {
            let params = argon2id::params(memory_kib, iterations, parallelism)?;
            argon2id::hashes_per_second(&params, threads, Duration::from_secs_f64(seconds))?
        }
        Request::Insert { url, users } => runtime.block_on(insert_users(&url, users))?,
        Request::EmptyHandler => return Ok(json!({"address": runtime.block_on(empty_handler())?})),
        Request::Ask { addresses, connections, request, expected, numbers, seconds } => {
            let length = Duration::from_secs_f64(seconds);
            requests_per_second(&Asking { addresses, connections, request, expected, numbers }, length)?
        }
    };
    Ok(json!({"per_second": per_second}))
}

/// A server on any free port whose every answer is empty.
async fn empty_handler() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new().fallback(async || {});
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// A database that somebody else has made.
#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    async fn open(url: &str) -> Result<Self> {
        if !url.starts_with("sqlite:") {
            let options = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
            return Ok(Self::Postgres(options.connect(url).await?));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
        Ok(Self::Sqlite(pool.connect_with(options).await?))
    }
}

/// One statement about a session that is found by the digest of its token.
#[derive(Clone)]
struct Statement {
    pool: Pool,
    sql: String,
    digests: Vec<Vec<u8>>,
}

impl Statement {
    /// How often callers can each have it done, for one session after the other where there are several, one at a
    /// time; all of them once counts as one.
    async fn per_second(&self, callers: usize, length: Duration) -> Result<f64> {
        let mut tasks = JoinSet::new();
        let start = Instant::now();
        for _ in 0..callers {
            let statement = self.clone();
            tasks.spawn(async move {
                let mut count = 0_u32;
                // At least once: on a busy machine the time may be over before a task begins.
                while count == 0 || start.elapsed() < length {
                    statement.run().await?;
                    count += 1;
                }
                Ok::<_, sqlx::Error>(f64::from(count) / start.elapsed().as_secs_f64())
            });
        }
        let mut sum = 0.0;
        while let Some(rate) = tasks.join_next().await {
            sum += rate??;
        }
        Ok(sum)
    }

    async fn run(&self) -> std::result::Result<(), sqlx::Error> {
        for digest in &self.digests {
            let sql = AssertSqlSafe(self.sql.as_str());
            // A statement that changes gives no row.
            match &self.pool {
                Pool::Sqlite(pool) => drop(sqlx::query(sql).bind(digest).fetch_optional(pool).await?),
                Pool::Postgres(pool) => drop(sqlx::query(sql).bind(digest).fetch_optional(pool).await?),
            }
        }
        Ok(())
    }
}

/// A user with what an import fills in, and the identity that everybody has. Ids and tokens are random, as they are there;
/// what is sealed has the length that it has there.
const INSERT_USER: &str = "INSERT INTO sso_user (user_id, user_token, username, email, email_index, email_is_claimed, \
    display_name, first_name, last_name, display_name_upper, first_name_upper, last_name_upper, is_active, is_internal, \
    is_super_user, is_locked, sign_up_status, sign_up_time, approval_status, approval_status_mod_time, password_hash, \
    password_last_set, password_expiry, password_must_change, is_totp_enabled, totp_key, totp_last_step, \
    is_rate_limit_active, rate_limit_check_parent_def) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
    $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)";
const INSERT_IDENTITY: &str = "INSERT INTO sso_identity (identity_token, user_id, provider, creation_time, last_modified) \
    VALUES ($1, $2, $3, $4, $5)";

/// How many users share a transaction.
const USERS_AT_ONCE: u32 = 1000;

macro_rules! insert_into {
    ($pool:expr, $users:expr) => {{
        let start = Instant::now();
        let (email, hash, key) = (vec![1_u8; 70], vec![1_u8; 190], vec![1_u8; 77]);
        let mut number = 0;
        while number < $users {
            let mut tx = $pool.begin().await?;
            for number in number..$users.min(number + USERS_AT_ONCE) {
                let token = Uuid::new_v4();
                let user_id = format!("zusr{}", token.simple());
                let last_name = format!("Lee{}", number % 997);
                let name = format!("Ann {last_name}");
                sqlx::query(INSERT_USER)
                    .bind(&user_id)
                    .bind(token)
                    .bind(format!("user{number:07}"))
                    .bind(&email)
                    .bind([token.as_bytes().as_slice(), token.as_bytes()].concat())
                    .bind(false)
                    .bind(&name)
                    .bind("Ann")
                    .bind(&last_name)
                    .bind(name.to_uppercase())
                    .bind("ANN")
                    .bind(last_name.to_uppercase())
                    .bind(true)
                    .bind(false)
                    .bind(false)
                    .bind(false)
                    .bind("final")
                    .bind(0_i64)
                    .bind("approved")
                    .bind(0_i64)
                    .bind(&hash)
                    .bind(0_i64)
                    .bind(0_i64)
                    .bind(false)
                    .bind(false)
                    .bind(&key)
                    .bind(0_i64)
                    .bind(false)
                    .bind(false)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(INSERT_IDENTITY)
                    .bind(Uuid::new_v4())
                    .bind(&user_id)
                    .bind("storage")
                    .bind(0_i64)
                    .bind(0_i64)
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
            number += USERS_AT_ONCE;
        }
        f64::from($users) / start.elapsed().as_secs_f64()
    }};
}

/// How many users a second can be inserted into an empty database of the product.
#[allow(clippy::disallowed_methods, reason = "tokens of nobody, which a benchmark makes up")]
async fn insert_users(url: &str, users: u32) -> Result<f64> {
    let pool = Pool::open(url).await?;
    let per_second = match &pool {
        Pool::Sqlite(pool) => insert_into!(pool, users),
        Pool::Postgres(pool) => insert_into!(pool, users),
    };
    match pool {
        Pool::Sqlite(pool) => pool.close().await,
        Pool::Postgres(pool) => pool.close().await,
    }
    Ok(per_second)
}

/// Reads bytes in hexadecimal digits.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?)).collect()
}
