//! The parts that the product is made of, each alone: what the Python benchmarks compare with. One program runs all of
//! them in its own process, on request: a JSON object a line on standard input, such as `{"do": "hash", …}`, and for each
//! a JSON object a line on standard output. It ends with its input.
//!
//! | do | |
//! |---|---|
//! | `query` | one prepared statement, through sqlx's pool, as a number of callers, committed each by itself |
//! | `hash` | Argon2id and nothing else, on a number of threads |
//! | `empty_handler` | starts an axum handler that does nothing, and says at which address |
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
                while start.elapsed() < length {
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

/// Reads bytes in hexadecimal digits.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?)).collect()
}
