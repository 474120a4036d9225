//! The stand-alone command `zato-sso`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(zato_sso::command(std::env::args_os()))
}
