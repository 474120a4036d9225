//! Where a secret comes from: so that it need not stand in the list of processes, there is more than one place.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read};

use zeroize::Zeroizing;

use crate::cli::output::failure::Failure;
use crate::config::value_from_file;
use crate::domain::{Password, Ust};

/// A secret as its user knows it.
#[derive(Clone, Copy)]
struct Kind {
    /// What it is called.
    name: &'static str,
    /// The environment variable that may hold it.
    variable: &'static str,
    /// How it is given on the command line.
    argument: &'static str,
    /// What asks for it.
    prompt: &'static str,
}

const PASSWORD: Kind = Kind {
    name: "password",
    variable: "ZATO_SSO_PASSWORD",
    argument: "with --password",
    prompt: "Password: ",
};

const UST: Kind = Kind { name: "UST", variable: "ZATO_SSO_UST", argument: "as an argument", prompt: "UST: " };

/// The longest line that is read, in bytes: more than any configuration allows, less than what a wrong pipe may hold.
const MAX_LINE: u64 = 64 * 1024;

/// How often two different passwords may be typed.
const TRIES: usize = 3;

/// Where the secret comes from.
#[derive(Debug)]
enum Source {
    Given(Password),
    Stdin,
    Prompt,
}

/// A new password: from the option, else the environment, else a line of standard input, else asked for twice at the
/// terminal.
pub(in crate::cli) fn new_password(option: Option<Password>) -> Result<Password, Failure> {
    match source(PASSWORD, option, variable(PASSWORD)?, io::stdin().is_terminal())? {
        Source::Given(password) => Ok(password),
        Source::Stdin => from_reader(PASSWORD, io::stdin().lock()),
        Source::Prompt => typed_twice(PASSWORD, |prompt| rpassword::prompt_password(prompt)),
    }
}

/// The token of a session, from the same places. Nothing is made with it, so it is asked for once.
pub(in crate::cli) fn ust(argument: Option<Password>) -> Result<Ust, Failure> {
    let ust = match source(UST, argument, variable(UST)?, io::stdin().is_terminal())? {
        Source::Given(ust) => ust,
        Source::Stdin => from_reader(UST, io::stdin().lock())?,
        Source::Prompt => typed(UST, UST.prompt, |prompt| rpassword::prompt_password(prompt))?,
    };
    Ok(Ust::from(ust.expose().trim()))
}

/// A secret that a command takes from the option or the environment only: from the file that `variable_FILE` names, unless
/// it was given.
pub(in crate::cli) fn or_from_file(
    given: Option<Password>,
    variable: &str,
) -> Result<Option<Password>, Failure> {
    match given {
        Some(given) => Ok(Some(given)),
        None => Ok(value_from_file(variable)?.map(Password::from)),
    }
}

/// The variable, or what stands in the file that the one with `_FILE` names.
fn variable(kind: Kind) -> Result<Option<OsString>, Failure> {
    match std::env::var_os(kind.variable) {
        Some(value) => Ok(Some(value)),
        None => Ok(value_from_file(kind.variable)?.map(OsString::from)),
    }
}

fn source(
    kind: Kind,
    argument: Option<Password>,
    variable: Option<OsString>,
    stdin_is_terminal: bool,
) -> Result<Source, Failure> {
    match (argument, variable) {
        (Some(secret), _) => Ok(Source::Given(secret)),
        (None, Some(variable)) => match variable.into_string() {
            Ok(secret) => Ok(Source::Given(Password::from(secret))),
            Err(_) => Err(Failure::Message(format!("{} is not UTF-8", kind.variable))),
        },
        (None, None) => Ok(if stdin_is_terminal { Source::Prompt } else { Source::Stdin }),
    }
}

/// One line, without its end.
fn from_reader(kind: Kind, reader: impl Read) -> Result<Password, Failure> {
    let Kind { name, variable, argument, .. } = kind;
    // Big enough from the beginning: growing would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LINE).unwrap_or_default() + 1));
    let mut reader = BufReader::new(reader.take(MAX_LINE + 1));
    let failed = |error| Failure::Message(format!("cannot read the {name} from standard input: {error}"));
    reader.read_until(b'\n', &mut line).map_err(failed)?;
    if line.is_empty() {
        let message = format!("no {name}: give one in {variable}, on standard input or {argument}");
        return Err(Failure::Message(message));
    }
    if line.len() as u64 > MAX_LINE {
        let message = format!("the first line of standard input is too long for a {name}");
        return Err(Failure::Message(message));
    }
    let text = std::str::from_utf8(&line)
        .map_err(|_| Failure::Message(format!("the {name} on standard input is not UTF-8")))?;
    // Editors of Windows begin a file with a byte order mark, which nobody types.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Password::from(text.strip_suffix('\r').unwrap_or(text)))
}

/// Asked for until the same has been typed twice, within reason.
fn typed_twice(kind: Kind, mut ask: impl FnMut(&str) -> io::Result<String>) -> Result<Password, Failure> {
    let mut first_prompt = kind.prompt.to_owned();
    for _ in 0..TRIES {
        let first = typed(kind, &first_prompt, &mut ask)?;
        if typed(kind, "The same again: ", &mut ask)?.expose() == first.expose() {
            return Ok(first);
        }
        first_prompt = format!("These differ. {}", kind.prompt);
    }
    Err(Failure::Message(format!("the {}s differed {TRIES} times, nothing was done", kind.name)))
}

fn typed(
    kind: Kind,
    prompt: &str,
    mut ask: impl FnMut(&str) -> io::Result<String>,
) -> Result<Password, Failure> {
    let failed = |error| {
        let Kind { name, variable, .. } = kind;
        Failure::Message(format!(
            "cannot ask for the {name}: {error}; give it in {variable} or on standard input"
        ))
    };
    ask(prompt).map(Password::from).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(option: Option<&str>, variable: Option<&str>, stdin_is_terminal: bool) -> String {
        match source(PASSWORD, option.map(Password::from), variable.map(OsString::from), stdin_is_terminal)
            .unwrap()
        {
            Source::Given(password) => password.expose().to_owned(),
            Source::Stdin => "<stdin>".to_owned(),
            Source::Prompt => "<prompt>".to_owned(),
        }
    }

    #[test]
    fn the_option_wins_then_the_environment_then_standard_input() {
        assert_eq!(name(Some("option"), Some("variable"), false), "option");
        assert_eq!(name(None, Some("variable"), false), "variable");
        assert_eq!(name(None, None, false), "<stdin>");
        assert_eq!(name(None, None, true), "<prompt>");
        // Refused later, as too short: it was given.
        assert_eq!(name(Some(""), Some("variable"), true), "");
    }

    #[test]
    fn of_standard_input_the_first_line_counts_without_its_end() {
        let read =
            |text: &str| from_reader(PASSWORD, text.as_bytes()).map(|password| password.expose().to_owned());
        for text in ["se cret ", "se cret \n", "se cret \r\n", "se cret \nmore\n", "\u{feff}se cret \r\n"] {
            assert_eq!(read(text).unwrap(), "se cret ");
        }
        assert_eq!(read("\n").unwrap(), "");
        insta::assert_snapshot!(
            read("").unwrap_err(),
            @"no password: give one in ZATO_SSO_PASSWORD, on standard input or with --password"
        );
        insta::assert_snapshot!(
            from_reader(PASSWORD, &b"\xff\xfe\n"[..]).unwrap_err(),
            @"the password on standard input is not UTF-8"
        );
        insta::assert_snapshot!(
            from_reader(PASSWORD, io::repeat(b'x')).unwrap_err(),
            @"the first line of standard input is too long for a password"
        );
    }

    fn answered(answers: &[&str]) -> Result<(Password, Vec<String>), Failure> {
        let mut answers = answers.iter();
        let mut prompts = Vec::new();
        let password = typed_twice(PASSWORD, |prompt| {
            prompts.push(prompt.to_owned());
            answers.next().map(|answer| (*answer).to_owned()).ok_or_else(|| io::Error::other("closed"))
        })?;
        Ok((password, prompts))
    }

    #[test]
    fn a_password_is_typed_twice_and_a_mismatch_asks_again() {
        let (password, prompts) = answered(&["one", "other", "same", "same"]).unwrap();
        assert_eq!(password.expose(), "same");
        let expected = ["Password: ", "The same again: ", "These differ. Password: ", "The same again: "];
        assert_eq!(prompts, expected);
        insta::assert_snapshot!(
            answered(&["1", "2", "3", "4", "5", "6"]).unwrap_err(),
            @"the passwords differed 3 times, nothing was done"
        );
        insta::assert_snapshot!(
            answered(&[]).unwrap_err(),
            @"cannot ask for the password: closed; give it in ZATO_SSO_PASSWORD or on standard input"
        );
    }
}
