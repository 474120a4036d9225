//! Where a new password comes from: so that it need not stand in the list of processes, there is more than one place.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read};

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::domain::Password;

/// The environment variable that may hold it.
const VARIABLE: &str = "ZATO_SSO_PASSWORD";

/// The longest line that is read, in bytes: more than any configuration allows, less than what a wrong pipe may hold.
const MAX_LINE: u64 = 64 * 1024;

/// How often two different passwords may be typed.
const TRIES: usize = 3;

/// Where the password comes from.
#[derive(Debug)]
enum Source {
    Given(Password),
    Stdin,
    Prompt,
}

/// The new password: from the option, else the environment, else a line of standard input, else asked for twice at the
/// terminal.
pub(super) fn obtain(option: Option<Password>) -> Result<Password, Failure> {
    match source(option, std::env::var_os(VARIABLE), io::stdin().is_terminal())? {
        Source::Given(password) => Ok(password),
        Source::Stdin => from_reader(io::stdin().lock()),
        Source::Prompt => from_prompt(|prompt| rpassword::prompt_password(prompt)),
    }
}

fn source(
    option: Option<Password>,
    variable: Option<OsString>,
    stdin_is_terminal: bool,
) -> Result<Source, Failure> {
    match (option, variable) {
        (Some(password), _) => Ok(Source::Given(password)),
        (None, Some(variable)) => match variable.into_string() {
            Ok(password) => Ok(Source::Given(Password::from(password))),
            Err(_) => Err(Failure::Message(format!("{VARIABLE} is not UTF-8"))),
        },
        (None, None) => Ok(if stdin_is_terminal { Source::Prompt } else { Source::Stdin }),
    }
}

/// One line, without its end.
fn from_reader(reader: impl Read) -> Result<Password, Failure> {
    // Big enough from the beginning: growing would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LINE).unwrap_or_default() + 1));
    let mut reader = BufReader::new(reader.take(MAX_LINE + 1));
    let failed = |error| Failure::Message(format!("cannot read the password from standard input: {error}"));
    reader.read_until(b'\n', &mut line).map_err(failed)?;
    if line.is_empty() {
        return Err(Failure::Message(format!(
            "no password: give one in {VARIABLE}, on standard input or with --password"
        )));
    }
    if line.len() as u64 > MAX_LINE {
        return Err(Failure::Message("the first line of standard input is too long for a password".into()));
    }
    let text = std::str::from_utf8(&line)
        .map_err(|_| Failure::Message("the password on standard input is not UTF-8".into()))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Password::from(text.strip_suffix('\r').unwrap_or(text)))
}

/// Asked for until the same has been typed twice, within reason.
fn from_prompt(mut ask: impl FnMut(&str) -> io::Result<String>) -> Result<Password, Failure> {
    let mut ask = |prompt: &str| {
        let failed = |error| {
            Failure::Message(format!(
                "cannot ask for the password: {error}; give it in {VARIABLE} or on standard input"
            ))
        };
        ask(prompt).map(Password::from).map_err(failed)
    };
    let mut first_prompt = "Password: ";
    for _ in 0..TRIES {
        let first = ask(first_prompt)?;
        if ask("The same again: ")?.expose() == first.expose() {
            return Ok(first);
        }
        first_prompt = "These differ. Password: ";
    }
    Err(Failure::Message(format!("the passwords differed {TRIES} times, nothing was done")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(option: Option<&str>, variable: Option<&str>, stdin_is_terminal: bool) -> String {
        match source(option.map(Password::from), variable.map(OsString::from), stdin_is_terminal).unwrap() {
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
        let read = |text: &str| from_reader(text.as_bytes()).map(|password| password.expose().to_owned());
        for text in ["se cret ", "se cret \n", "se cret \r\n", "se cret \nmore\n"] {
            assert_eq!(read(text).unwrap(), "se cret ");
        }
        assert_eq!(read("\n").unwrap(), "");
        insta::assert_snapshot!(
            read("").unwrap_err(),
            @"no password: give one in ZATO_SSO_PASSWORD, on standard input or with --password"
        );
        insta::assert_snapshot!(
            from_reader(&b"\xff\xfe\n"[..]).unwrap_err(),
            @"the password on standard input is not UTF-8"
        );
        insta::assert_snapshot!(
            from_reader(io::repeat(b'x')).unwrap_err(),
            @"the first line of standard input is too long for a password"
        );
    }

    fn typed(answers: &[&str]) -> Result<(Password, Vec<String>), Failure> {
        let mut answers = answers.iter();
        let mut prompts = Vec::new();
        let password = from_prompt(|prompt| {
            prompts.push(prompt.to_owned());
            answers.next().map(|answer| (*answer).to_owned()).ok_or_else(|| io::Error::other("closed"))
        })?;
        Ok((password, prompts))
    }

    #[test]
    fn a_password_is_typed_twice_and_a_mismatch_asks_again() {
        let (password, prompts) = typed(&["one", "other", "same", "same"]).unwrap();
        assert_eq!(password.expose(), "same");
        let expected = ["Password: ", "The same again: ", "These differ. Password: ", "The same again: "];
        assert_eq!(prompts, expected);
        insta::assert_snapshot!(
            typed(&["1", "2", "3", "4", "5", "6"]).unwrap_err(),
            @"the passwords differed 3 times, nothing was done"
        );
        insta::assert_snapshot!(
            typed(&[]).unwrap_err(),
            @"cannot ask for the password: closed; give it in ZATO_SSO_PASSWORD or on standard input"
        );
    }
}
