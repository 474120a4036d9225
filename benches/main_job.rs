//! The main job, measured: logins against the hash that they cannot be faster than, and sessions verified over REST
//! against a handler that does nothing.
//!
//! `make bench` runs it, with a PostgreSQL server of its own. Beside one that runs already:
//!
//! ```text
//! ZATO_SSO_TEST_POSTGRES_URL=postgresql://… cargo bench --features server --bench main_job -- [login] [rest] [--smoke]
//! ```
//!
//! `--smoke` makes the rounds few and so short that the figures mean nothing: it shows that everything works.

mod support;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use support::database::{Kind, World, credentials, ctx};
use support::measure::{Contestant, Plan, measure};
use support::report::Report;
use support::rest_client::Asking;
use support::{Result, argon2id, cores, rest_client};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use zato_sso::crypto::HashParams;
use zato_sso::http;
use zato_sso::ops::Sso;

/// How many connections ask over REST.
const CONNECTIONS: usize = 16;

/// The endpoint that verifies a session.
const VERIFY: &str = "/zato/sso/user/session";

/// A login takes milliseconds, so that a second would hold too few of them to count.
const LOGIN_ROUND: Duration = Duration::from_millis(1_500);
const REST_ROUND: Duration = Duration::from_secs(1);

const GROUPS: [&str; 2] = ["login", "rest"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("main_job: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    // Cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let is_smoke = arguments.iter().any(|argument| argument == "--smoke");
    let groups: Vec<&str> = arguments.iter().map(String::as_str).filter(|name| *name != "--smoke").collect();
    if let Some(unknown) = groups.iter().find(|name| !GROUPS.contains(name)) {
        return Err(format!("{unknown} is none of {}, --smoke", GROUPS.join(", ")).into());
    }
    let is_wanted = |group| groups.is_empty() || groups.contains(&group);

    let runtime = Builder::new_multi_thread().worker_threads(cores()).enable_all().build()?;
    let sqlite = runtime.block_on(World::new(Kind::Sqlite))?;
    let postgres = runtime.block_on(World::new(Kind::Postgres))?;
    let worlds = [&sqlite, &postgres];
    let mut report = Report::default();
    if is_wanted("login") {
        compare_logins(&runtime, worlds, Plan::new(LOGIN_ROUND, is_smoke), &mut report)?;
    }
    if is_wanted("rest") {
        compare_rest(&runtime, worlds, Plan::new(REST_ROUND, is_smoke), &mut report)?;
    }
    runtime.block_on(sqlite.remove())?;
    runtime.block_on(postgres.remove())?;

    let is_complete = !is_smoke && groups.is_empty();
    println!("{}", serde_json::json!({"is_complete": is_complete, "rows": report.into_json()}));
    Ok(())
}

/// Logins, with as many callers as there are cores, and with some more, so that the cores have something to hash while
/// a caller waits for the database.
fn compare_logins(runtime: &Runtime, worlds: [&World; 2], plan: Plan, report: &mut Report) -> Result<()> {
    let alone = format!("Argon2id alone, {} threads", cores());
    let defaults = HashParams::DEFAULT;
    let params = argon2id::params(defaults.memory_kib(), defaults.iterations(), defaults.parallelism())?;
    let hashes = move |length| argon2id::hashes_per_second(&params, cores(), length);
    let mut contestants = vec![Contestant::new(alone, hashes)];
    for callers in [cores(), 4 * cores()] {
        for world in worlds {
            let name = format!("login, {}, {callers} callers", world.kind.name());
            let per_second = move |length| runtime.block_on(logins_per_second(&world.sso, callers, length));
            runtime.block_on(world.have_users(callers))?;
            contestants.push(Contestant::new(name, per_second));
        }
    }
    let series = measure(&mut contestants, plan)?;
    let [alone, logins @ ..] = series.as_slice() else { return Err("nothing was measured".into()) };
    logins.iter().for_each(|login| report.add(login, alone));
    Ok(())
}

/// How many logins callers get done who each wait for one before they begin the next. Each is a user of their own.
async fn logins_per_second(sso: &Sso, callers: usize, length: Duration) -> Result<f64> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for number in 0..callers {
        let sso = sso.clone();
        tasks.spawn(async move {
            let mut count = 0_u32;
            // At least once: on a busy machine the time may be over before a task begins.
            while count == 0 || start.elapsed() < length {
                sso.login(&ctx(), credentials(&format!("user{number}"))).await?;
                count += 1;
            }
            Ok::<_, zato_sso::domain::Error>(f64::from(count) / start.elapsed().as_secs_f64())
        });
    }
    // Each with the time it took itself: what one still does while the others have stopped is not a full second.
    let mut sum = 0.0;
    while let Some(rate) = tasks.join_next().await {
        sum += rate??;
    }
    Ok(sum)
}

/// Sessions verified by the server that comes with it; the client and the server share the cores.
fn compare_rest(runtime: &Runtime, worlds: [&World; 2], plan: Plan, report: &mut Report) -> Result<()> {
    let _in_runtime = runtime.enter();
    let empty = TcpListener::bind("127.0.0.1:0")?;
    let empty_address = empty.local_addr()?;
    empty.set_nonblocking(true)?;
    let router = Router::new().route(VERIFY, post(async || {}));
    let mut servers = JoinSet::new();
    let served = axum::serve(tokio::net::TcpListener::from_std(empty)?, router);
    servers.spawn(async move { served.await });

    let mut contestants = Vec::new();
    for world in worlds {
        let (target, current) = runtime.block_on(world.two_sessions())?;
        let body = format!(r#"{{"target_ust":"{target}","current_ust":"{current}"}}"#);
        let request = rest_client::post_request(VERIFY, &body);
        if contestants.is_empty() {
            contestants.push(asked("empty axum handler", empty_address, &request, ""));
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        servers.spawn(http::serve(world.sso.clone(), listener, std::future::pending()));
        let name = format!("REST verify, {}, {CONNECTIONS} connections", world.kind.name());
        contestants.push(asked(&name, address, &request, r#""is_valid":true"#));
    }
    let series = measure(&mut contestants, plan)?;
    let [empty, verified @ ..] = series.as_slice() else { return Err("nothing was measured".into()) };
    verified.iter().for_each(|verify| report.add(verify, empty));
    Ok(())
}

/// A server that is asked the same over and over.
fn asked(name: &str, address: SocketAddr, request: &str, expected: &str) -> Contestant<'static> {
    let (request, expected) = (request.to_owned(), expected.to_owned());
    let asking = Asking { addresses: vec![address], connections: CONNECTIONS, request, expected, numbers: 1 };
    Contestant::new(name, move |length| rest_client::requests_per_second(&asking, length))
}
