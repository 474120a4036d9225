//! What can stand on the command line.

mod audit;
mod client;

use std::convert::Infallible;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::domain::{Password, SecType};
use crate::ops::SecDefHere;

pub(super) use audit::{AuditArgs, AuditCommand, DoctorArgs, ExportAuditArgs};
pub(super) use client::{
    ClientCommand, ClientTerms, DeleteClientArgs, NewClientArgs, RotateSecretArgs, UpdateClientArgs,
};

/// Single sign-on: users, their sessions, and the REST server.
#[derive(Parser)]
#[command(name = "zato-sso", bin_name = "zato-sso", version, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// The configuration file [default: ./sso.toml if it is there, else built-in defaults]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The database: sqlite:///relative.db, sqlite:////absolute/path.db or postgresql://user:password@host/name
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Say on standard error which configuration, database and key are used
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Write a commented sso.toml and a secret key file, and create the database
    Init,
    /// Run the REST server until it is stopped by Ctrl-C or SIGTERM
    Serve(ServeArgs),
    /// Create a user, who can log in immediately
    CreateUser(NewUserArgs),
    /// Create a super-user, who can log in immediately
    CreateSuperUser(NewSuperUserArgs),
    /// Give a user the role of a super-user, or take it away
    UpdateUser(UpdateUserArgs),
    /// Delete a user with all sessions, attributes and links, after asking
    DeleteUser(DeleteUserArgs),
    /// Lock a user's account: the user cannot log in, and open sessions are refused
    LockUser(UserArgs),
    /// Unlock a user's account
    UnlockUser(UserArgs),
    /// List all users, by username
    ListUsers,
    /// Show all that is known of a user, but for secrets
    ShowUser(UserArgs),
    /// Open a session of a user without a password, and print it
    Login(UserArgs),
    /// End a session
    Logout(LogoutArgs),
    /// Give a user a new password
    ChangeUserPassword(ChangePasswordArgs),
    /// Give a user a new, random password, and print it
    ResetUserPassword(ResetPasswordArgs),
    /// Give a user a new TOTP key, and print its URI and, at a terminal, a QR code
    ResetTotpKey(ResetTotpKeyArgs),
    /// Give a user ten new recovery codes in place of earlier ones, and print them
    GenerateRecoveryCodes(UserArgs),
    /// List a user's passkeys, oldest first
    ListPasskeys(UserArgs),
    /// Delete all passkeys of a user, who needs another way to log in
    DeletePasskeys(UserArgs),
    /// List a user's open sessions, oldest first
    ListSessions(UserArgs),
    /// End all open sessions of a user, or one of them, and list what has ended
    EndSessions(EndSessionsArgs),
    /// Create a security definition, which linked auth lets act as a user
    CreateSecDef(NewSecDefArgs),
    /// List all security definitions, by name
    ListSecDefs,
    /// Delete a security definition with its link, and end the sessions that it opened, after asking
    DeleteSecDef(DeleteSecDefArgs),
    /// Create a group of users
    CreateGroup(NewGroupArgs),
    /// List all groups, by name
    ListGroups,
    /// Make users members of a group
    AddToGroup(GroupMembersArgs),
    /// Take users out of a group
    RemoveFromGroup(GroupMembersArgs),
    /// Delete a group, after asking; its members stay
    DeleteGroup(DeleteGroupArgs),
    /// Create a site, a client of the sessions API, and print its key pair
    CreateSite(NewSiteArgs),
    /// List all sites, by subdomain
    ListSites,
    /// Give a site other callback URIs or another private key, or change whether it is trusted. What is not given stays
    UpdateSite(UpdateSiteArgs),
    /// Delete a site, and end the sessions that it started, after asking
    DeleteSite(DeleteSiteArgs),
    #[command(flatten)]
    Client(Box<ClientCommand>),
    #[command(flatten)]
    Audit(Box<AuditCommand>),
    /// Bring users over from elsewhere
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Write users down for others to read
    Export {
        #[command(subcommand)]
        command: ExportCommand,
    },
    /// Create the database's schema, or bring it up to date
    #[command(visible_alias = "create-odb")]
    Migrate(MigrateArgs),
    /// Delete what has expired: sessions, attributes, password resets, counters
    Cleanup,
    /// Build a filter of breached passwords from lists of passwords or SHA-1 digests, for password.breached_filter
    BuildBreachedFilter(BuildFilterArgs),
    /// List the users who must change their password soon, the most urgent first
    ExpiringPasswords(ExpiringPasswordsArgs),
    /// Check configuration, key, database and clock, and say what to do; exit status 1 if there is a problem
    Doctor(DoctorArgs),
    /// Write a copy of the SQLite database into a new file, while it is in use; which key belongs to it stands beside it
    Backup(BackupArgs),
    /// Put a backup in the place of what the SQLite database has, while it is in use
    Restore(BackupArgs),
    /// Look at the configuration, or convert one
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Args)]
pub(super) struct ServeArgs {
    /// Address and port to listen on; port 0 is any free one [default: http.listen of the configuration]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}

#[derive(Args)]
pub(super) struct NewUserArgs {
    /// The name to log in with
    pub username: String,
    /// Email
    #[arg(long)]
    pub email: Option<String>,
    /// The name to show [default: first, middle and last name]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// First name
    #[arg(long, value_name = "NAME")]
    pub first_name: Option<String>,
    /// Middle name
    #[arg(long, value_name = "NAME")]
    pub middle_name: Option<String>,
    /// Last name
    #[arg(long, value_name = "NAME")]
    pub last_name: Option<String>,
    /// Password. Others can see it in the list of processes: rather give it in ZATO_SSO_PASSWORD or on standard input,
    /// or leave it out and be asked
    #[arg(long, value_parser = password)]
    pub password: Option<Password>,
}

#[derive(Args)]
pub(super) struct NewSuperUserArgs {
    #[command(flatten)]
    pub user: NewUserArgs,
    /// Do nothing if there is a super-user of this name already, whose password stays. Several may run at the same time
    #[arg(long)]
    pub if_missing: bool,
}

#[derive(Args)]
pub(super) struct UpdateUserArgs {
    /// The user's name
    pub username: String,
    /// Whether the user is a super-user. The last one who can log in keeps the role
    #[arg(long, value_name = "BOOL", required = true, action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub super_user: bool,
}

#[derive(Args)]
pub(super) struct UserArgs {
    /// The user's name
    pub username: String,
}

#[derive(Args)]
pub(super) struct DeleteUserArgs {
    /// The user's name
    pub username: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(super) struct EndSessionsArgs {
    /// The user's name
    pub username: String,
    /// End the session with this id only, as list-sessions shows it
    #[arg(long, value_name = "ID")]
    pub session_id: Option<String>,
}

#[derive(Args)]
pub(super) struct LogoutArgs {
    /// The token of the session. Others can see it in the list of processes: rather give it in ZATO_SSO_UST or on
    /// standard input, or leave it out and be asked
    #[arg(value_parser = password)]
    pub ust: Option<Password>,
}

/// What can be said about a new password beside the password itself.
#[derive(Args)]
pub(super) struct PasswordTerms {
    /// In how many days it expires [default: password.expiry of the configuration]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(0..=36_500))]
    pub expiry: Option<i64>,
    /// Whether the user must change it at the next login [default: false]
    #[arg(long, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub must_change: Option<bool>,
}

#[derive(Args)]
pub(super) struct ChangePasswordArgs {
    /// The user's name
    pub username: String,
    /// Password. Others can see it in the list of processes: rather give it in ZATO_SSO_PASSWORD or on standard input,
    /// or leave it out and be asked
    #[arg(long, value_parser = password)]
    pub password: Option<Password>,
    #[command(flatten)]
    pub terms: PasswordTerms,
}

#[derive(Args)]
pub(super) struct ResetPasswordArgs {
    /// The user's name
    pub username: String,
    #[command(flatten)]
    pub terms: PasswordTerms,
}

#[derive(Args)]
pub(super) struct ResetTotpKeyArgs {
    /// The user's name
    pub username: String,
    /// The key, in base32. Others can see it in the list of processes: rather give it in ZATO_SSO_TOTP_KEY [default: a
    /// new one is made]
    #[arg(long, env = "ZATO_SSO_TOTP_KEY", hide_env_values = true, value_parser = password)]
    pub key: Option<Password>,
    /// What authenticators are to call the key [default: as before]
    #[arg(long, value_name = "LABEL")]
    pub key_label: Option<String>,
}

#[derive(Args)]
pub(super) struct BuildFilterArgs {
    /// Lists, one password or SHA-1 digest a line, as Have I Been Pwned has them
    #[arg(required = true, value_name = "LIST")]
    pub lists: Vec<PathBuf>,
    /// The file of the filter. It takes eight bytes for each line of the lists beside it while it is built
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
}

#[derive(Args)]
pub(super) struct ExpiringPasswordsArgs {
    /// Within how many days [default: password.about_to_expire_threshold of the configuration]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=36_500))]
    pub days: Option<i64>,
}

#[derive(Args)]
pub(super) struct NewSecDefArgs {
    /// Its kind: basic_auth or jwt
    #[arg(value_name = "TYPE", value_parser = sec_type)]
    pub sec_type: SecType,
    /// What to call it
    pub name: String,
    /// What requests name it by: the username of Basic Auth, the subject (sub) of a JWT
    pub username: String,
    /// A secret of your own, rather than a generated one. Others can see it in the list of processes: rather leave its
    /// value out, and give it in ZATO_SSO_PASSWORD or on standard input, or be asked
    #[arg(long, value_name = "SECRET", num_args = 0..=1, value_parser = password)]
    #[expect(clippy::option_option, reason = "the option may stand there without a value")]
    pub password: Option<Option<Password>>,
    /// For jwt: the audience (aud) that each token must name; default: none, or the definition's name
    #[arg(long, value_name = "TEXT")]
    pub audience: Option<String>,
    /// For jwt: how long a token may be valid at most (exp), in seconds from when it is used; default: as long as it says
    #[arg(long, value_name = "SECONDS")]
    pub max_lifetime: Option<i64>,
}

#[derive(Args)]
pub(super) struct DeleteSecDefArgs {
    /// Its name
    pub name: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(super) struct NewGroupArgs {
    /// Its name, unique in any case of letters
    pub name: String,
    /// The name to show
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// What its members may be granted; may be given many times
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,
    /// Let members approve, reject, lock and unlock users, and reset their passwords and TOTP keys; not those of super-users
    #[arg(long)]
    pub can_manage_users: bool,
    /// Let members read the audit
    #[arg(long)]
    pub can_read_audit: bool,
}

#[derive(Args)]
pub(super) struct GroupMembersArgs {
    /// The name or id of the group
    pub group: String,
    /// The names of the users
    #[arg(required = true, value_name = "USERNAME")]
    pub usernames: Vec<String>,
}

#[derive(Args)]
pub(super) struct DeleteGroupArgs {
    /// The name or id of the group
    pub group: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(super) struct NewSiteArgs {
    /// What it is called: a label of 1 to 63 characters a-z, 0-9 and -
    pub subdomain: String,
    /// Where browsers may be sent back to; may be given many times
    #[arg(long, value_name = "URI")]
    pub callback_uri: Vec<String>,
    /// Let it read all users and start sessions for them, except for super-users. Any other site reads and changes the
    /// users that it made, and starts sessions for those, and for users whose password it has verified within an hour
    #[arg(long)]
    pub trusted: bool,
    /// Make a private key of 256 random bits; by default it is a UUID of 122, as clients of OneAll expect
    #[arg(long)]
    pub long_key: bool,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are options of a command")]
pub(super) struct UpdateSiteArgs {
    /// What it is called
    pub subdomain: String,
    /// Where browsers may be sent back to, in the place of those that it has; may be given many times
    #[arg(long, value_name = "URI")]
    pub callback_uri: Vec<String>,
    /// Have browsers be sent back nowhere
    #[arg(long, conflicts_with = "callback_uri")]
    pub no_callback_uri: bool,
    /// Whether it reads all users and starts sessions for them
    #[arg(long, value_name = "BOOLEAN")]
    pub trusted: Option<bool>,
    /// Make another private key, and print it. The one that it has ends now
    #[arg(long)]
    pub new_key: bool,
    /// Make it one of 256 random bits; by default it is a UUID of 122, as clients of OneAll expect
    #[arg(long, requires = "new_key")]
    pub long_key: bool,
    /// Have the key that it has go on being valid beside the new one, until --end-old-key
    #[arg(long, requires = "new_key")]
    pub keep_old_key: bool,
    /// End the key that was kept beside the new one
    #[arg(long, conflicts_with = "new_key")]
    pub end_old_key: bool,
}

#[derive(Args)]
pub(super) struct DeleteSiteArgs {
    /// What it is called
    pub subdomain: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(super) struct MigrateArgs {
    /// Only tell whether there is something to do: exit status 0 if not, 1 if there is
    #[arg(long, conflicts_with = "usernames")]
    pub check: bool,
    /// Make usernames unique as user_validation.case_insensitive says, or list those that would be one name: exit status 1
    #[arg(long)]
    pub usernames: bool,
}

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Show the effective configuration, secrets masked, and where each value comes from
    Show,
    /// Write the sso.conf of a Zato 3.x server as TOML to standard output, and list what has no counterpart
    Convert(ConvertArgs),
}

#[derive(Args)]
pub(super) struct ConvertArgs {
    /// The sso.conf, from the folder config/repo of a Zato server
    pub file: PathBuf,
}

#[derive(Subcommand)]
pub(super) enum ImportCommand {
    /// Bring users over from a file, with their password hashes; exit status 1 if anything had to be left behind
    Users(ImportUsersArgs),
    /// Bring the users of a Zato 3.x server over, with their passwords; exit status 1 if anything of a user had to be left behind
    Zato(ImportZatoArgs),
}

#[derive(Args)]
pub(super) struct BackupArgs {
    /// The file of the backup
    pub file: PathBuf,
}

/// How an import is run, wherever its users come from.
#[derive(Args)]
pub(super) struct ImportTerms {
    /// Write nothing, and tell what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Write what is not imported to this file, one JSON object a line [default: lines on standard error]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ImportUsersArgs {
    /// How users stand in the file
    #[arg(long)]
    pub format: ImportFormat,
    /// The file; - is standard input
    pub file: PathBuf,
    /// A file with the hash parameters of a Firebase project as its console shows them; hashes of Firebase need it
    #[arg(long, value_name = "FILE")]
    pub firebase_params: Option<PathBuf>,
    #[command(flatten)]
    pub terms: ImportTerms,
}

#[derive(Args)]
pub(super) struct ImportZatoArgs {
    /// The SQL database of the Zato server, which is only read: sqlite:///relative.db, sqlite:////absolute/path.db or
    /// postgresql://user:password@host/name, with or without a driver. Others can see it in the list of processes: where
    /// there is a password in it, rather give it in ZATO_SSO_IMPORT_FROM
    #[arg(long, value_name = "URL", env = "ZATO_SSO_IMPORT_FROM", hide_env_values = true, value_parser = password,
        required = std::env::var_os("ZATO_SSO_IMPORT_FROM_FILE").is_none())]
    pub from: Option<Password>,
    /// The server's secrets.conf, which has the keys that values in its database are encrypted with
    #[arg(long, value_name = "FILE")]
    pub secrets: PathBuf,
    /// The server's sso.conf, if it has the encryption of emails or passwords switched off
    #[arg(long, value_name = "FILE")]
    pub sso_conf: Option<PathBuf>,
    /// The definition here that links to one of Zato's are to lead to: its kind, the number of Zato's, the username of the
    /// one here, such as basic_auth:12=export1. May be given several times
    #[arg(long = "sec-def", value_name = "TYPE:ID=USERNAME", value_parser = sec_def_here)]
    pub sec_defs: Vec<SecDefHere>,
    #[command(flatten)]
    pub terms: ImportTerms,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ImportFormat {
    /// A JSON object a line
    Jsonl,
    /// Values between commas, behind a line that names them
    Csv,
}

#[derive(Subcommand)]
pub(super) enum ExportCommand {
    /// Write all users in the format that import users reads, a JSON object a line
    Users(ExportUsersArgs),
    /// Write the entries of the audit, oldest first, a JSON object a line
    Audit(ExportAuditArgs),
}

#[derive(Args)]
pub(super) struct ExportUsersArgs {
    /// How users are written
    #[arg(long, default_value = "jsonl")]
    pub format: ExportFormat,
    /// With password hashes, TOTP keys and the values of encrypted attributes. Anybody who has these can attack passwords
    /// and make TOTP codes: keep the file as you would keep the database and its key
    #[arg(long)]
    pub with_secrets: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ExportFormat {
    /// A JSON object a line
    Jsonl,
}

/// A password is a secret from the moment it is read.
fn password(text: &str) -> Result<Password, Infallible> {
    Ok(Password::from(text))
}

fn sec_type(text: &str) -> Result<SecType, &'static str> {
    SecType::parse(text).ok_or("expected basic_auth or jwt")
}

fn sec_def_here(text: &str) -> Result<SecDefHere, &'static str> {
    let parse = || {
        let (zatos, username) = text.split_once('=').filter(|(_, username)| !username.is_empty())?;
        let (sec_type, zato_id) = zatos.split_once(':')?;
        let (sec_type, zato_id) = (SecType::parse(sec_type)?, zato_id.parse().ok()?);
        Some(SecDefHere { sec_type, zato_id, username: username.to_owned() })
    };
    parse().ok_or("expected TYPE:ID=USERNAME, such as basic_auth:12=export1")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in ["zato-sso --json list-users", "zato-sso list-users --json"] {
            assert!(Cli::try_parse_from(line.split(' ')).unwrap().global.json);
        }
    }

    #[test]
    fn a_secret_of_ones_own_is_given_or_asked_for() {
        let password = |more: &str| {
            let line = format!("zato-sso create-sec-def jwt api client1{more}");
            let Command::CreateSecDef(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
                unreachable!()
            };
            args.password.map(|given| given.map(|secret| secret.expose().to_owned()))
        };
        assert_eq!(password(""), None);
        assert_eq!(password(" --password"), Some(None));
        assert_eq!(password(" --password given"), Some(Some("given".to_owned())));
        assert!(Cli::try_parse_from("zato-sso create-sec-def default api client1".split(' ')).is_err());
    }

    #[test]
    fn migrate_goes_by_its_older_name_too() {
        let cli = Cli::try_parse_from(["zato-sso", "create-odb", "--check"]).unwrap();
        assert!(matches!(cli.command, Command::Migrate(MigrateArgs { check: true, .. })));
    }
}
