//! The command `zato-sso`: the same code for the stand-alone binary and for the console script of the wheel.

mod args;
mod command;
mod output;
mod setup;

use std::ffi::OsString;
use std::io::Write as _;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};

pub use command::serve::{Serve, Serving, Stop};

use args::{Cli, Command, ConfigCommand, ExportCommand, ImportCommand};
use output::failure::Failure;
use output::print::Output;

/// The exit status of a command that was refused or failed.
const FAILED: u8 = 1;

/// The exit status of a command that was not understood.
const WRONG_USAGE: u8 = 2;

/// Runs one command and returns its exit status: 0, 1 when it was refused or failed, 2 on wrong usage. The first
/// argument is the name of the program. The REST server is handed in, for the faces do not know each other.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>, serve: Serve) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version come this way too, with status 0. A failure to print them is ignored.
            drop(usage.print());
            return u8::try_from(usage.exit_code()).unwrap_or(WRONG_USAGE);
        }
    };
    match execute(cli, serve) {
        Ok(()) => 0,
        // Who reads our output has had enough of it, as `head` does.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(Failure::Told) => FAILED,
        Err(failure) => {
            drop(writeln!(std::io::stderr(), "zato-sso: {failure}"));
            FAILED
        }
    }
}

fn execute(cli: Cli, serve: Serve) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    let out = Output::new(global.json);
    match command {
        Command::Serve(args) => runtime(Builder::new_multi_thread())?.block_on(async {
            command::serve::run(setup::open::load_to_serve(&global, args.listen)?, &out, serve).await
        }),
        Command::Init => runtime(Builder::new_current_thread())?.block_on(command::init::run(&global, &out)),
        Command::Config { command: ConfigCommand::Show } => {
            command::config::show(&setup::open::load(&global)?, &out)
        }
        Command::Config { command: ConfigCommand::Convert(args) } => command::config::convert(&args, &out),
        Command::CreateUser(args) => with_config(&global, |config| command::user::create(config, args, &out)),
        Command::CreateSuperUser(args) => {
            with_config(&global, |config| command::user::create_super_user(config, args, &out))
        }
        Command::UpdateUser(args) => with_config(&global, |config| command::user::update(config, args, &out)),
        Command::DeleteUser(args) => with_config(&global, |config| command::user::delete(config, args, &out)),
        Command::LockUser(args) => {
            with_config(&global, |config| command::user::set_lock(config, args, true, &out))
        }
        Command::UnlockUser(args) => {
            with_config(&global, |config| command::user::set_lock(config, args, false, &out))
        }
        Command::ShowUser(args) => with_config(&global, |config| command::user::show(config, args, &out)),
        Command::Login(args) => with_config(&global, |config| command::session::login(config, args, &out)),
        Command::Logout(args) => with_config(&global, |config| command::session::logout(config, args, &out)),
        Command::ListSessions(args) => {
            with_config(&global, |config| command::session::list(config, args, &out))
        }
        Command::EndSessions(args) => {
            with_config(&global, |config| command::session::end(config, args, &out))
        }
        Command::Doctor(args) => {
            runtime(Builder::new_current_thread())?.block_on(command::doctor::run(&global, &args, &out))
        }
        Command::ChangeUserPassword(args) => {
            with_config(&global, |config| command::password::change_password(config, args, &out))
        }
        Command::ResetUserPassword(args) => {
            with_config(&global, |config| command::password::reset_password(config, args, &out))
        }
        Command::ResetTotpKey(args) => {
            with_config(&global, |config| command::credential::reset_key(config, args, &out))
        }
        Command::GenerateRecoveryCodes(args) => {
            with_config(&global, |config| command::credential::generate_codes(config, args, &out))
        }
        Command::ListPasskeys(args) => {
            with_config(&global, |config| command::passkey::list(config, args, &out))
        }
        Command::DeletePasskeys(args) => {
            with_config(&global, |config| command::passkey::delete(config, args, &out))
        }
        Command::BuildBreachedFilter(args) => command::password::build_filter(&args, &out),
        Command::Cleanup => with_config(&global, |config| command::maintenance::clean_up(config, &out)),
        Command::ExpiringPasswords(args) => {
            with_config(&global, |config| command::maintenance::expiring_passwords(config, args, &out))
        }
        Command::ListUsers => with_config(&global, |config| command::user::list(config, &out)),
        Command::CreateSecDef(args) => {
            with_config(&global, |config| command::linked_auth::create(config, args, &out))
        }
        Command::ListSecDefs => with_config(&global, |config| command::linked_auth::list(config, &out)),
        Command::DeleteSecDef(args) => {
            with_config(&global, |config| command::linked_auth::delete(config, args, &out))
        }
        Command::CreateGroup(args) => {
            with_config(&global, |config| command::group::create(config, args, &out))
        }
        Command::ListGroups => with_config(&global, |config| command::group::list(config, &out)),
        Command::AddToGroup(args) => {
            with_config(&global, |config| command::group::change_members(config, args, true, &out))
        }
        Command::RemoveFromGroup(args) => {
            with_config(&global, |config| command::group::change_members(config, args, false, &out))
        }
        Command::DeleteGroup(args) => {
            with_config(&global, |config| command::group::delete(config, args, &out))
        }
        Command::CreateSite(args) => with_config(&global, |config| command::site::create(config, args, &out)),
        Command::ListSites => with_config(&global, |config| command::site::list(config, &out)),
        Command::UpdateSite(args) => with_config(&global, |config| command::site::update(config, args, &out)),
        Command::DeleteSite(args) => with_config(&global, |config| command::site::delete(config, args, &out)),
        Command::Audit(command) => with_config(&global, |config| command::audit::run(config, *command, &out)),
        Command::Client(command) => {
            with_config(&global, |config| command::client::run(config, *command, &out))
        }
        Command::Import { command: ImportCommand::Zato(args) } => {
            with_config(&global, |config| command::import_zato::users(config, args, &out))
        }
        Command::Import { command: ImportCommand::Users(args) } => {
            with_config(&global, |config| command::import::users(config, args, &out))
        }
        Command::Export { command: ExportCommand::Users(args) } => {
            with_config(&global, |config| command::export::users(config, args))
        }
        Command::Export { command: ExportCommand::Audit(args) } => {
            with_config(&global, |config| command::export::audit(config, args))
        }
        Command::Backup(args) => with_config(&global, |config| command::backup::make(config, args, &out)),
        Command::Restore(args) => {
            with_config(&global, |config| command::backup::put_back(config, args, &out))
        }
        Command::Migrate(args) => with_config(&global, |config| command::migrate::run(config, &args, &out)),
    }
}

/// Runs a command that works on the database and ends.
fn with_config<F: Future<Output = Result<(), Failure>>>(
    global: &args::Global,
    command: impl FnOnce(crate::config::Config) -> F,
) -> Result<(), Failure> {
    let config = setup::open::load_to_change(global)?;
    runtime(Builder::new_current_thread())?.block_on(command(config))
}

fn runtime(mut builder: Builder) -> Result<Runtime, Failure> {
    let failed =
        |error| Failure::Message(format!("cannot start: {error}; are there threads and handles left?"));
    builder.enable_all().build().map_err(failed)
}
