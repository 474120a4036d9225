//! `doctor`: is everything as it should be, and if not, what is to be done.

use serde_json::json;

use crate::cli::args::{DoctorArgs, Global};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;
use crate::cli::setup::open as setup;
use crate::domain::SystemClock;
use crate::ops::{Finding, Verdict, examine, examine_audit};

/// The column titles.
const TITLES: [&str; 3] = ["CHECK", "RESULT", "FINDING"];

/// Looks at everything and changes nothing. Status 1 if there is a problem.
pub(in crate::cli) async fn run(global: &Global, args: &DoctorArgs, out: &Output) -> Result<(), Failure> {
    let findings = match setup::load(global) {
        Ok(config) => {
            let mut findings = examine(&config, &SystemClock).await;
            if args.audit {
                findings.extend(examine_audit(&config).await);
            }
            findings
        }
        // Without a configuration nothing else can be checked.
        Err(failure) => vec![Finding::problem("configuration", failure.to_string())],
    };
    print(&findings, out)?;
    let has_problem = findings.iter().any(|finding| finding.verdict == Verdict::Problem);
    if has_problem { Err(Failure::Told) } else { Ok(()) }
}

fn print(findings: &[Finding], out: &Output) -> Result<(), Failure> {
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for Finding { check, verdict, text } in findings {
            array.push(&json!({"check": check, "result": verdict.as_str(), "finding": text}))?;
        }
        return array.end();
    }
    let row = |Finding { check, verdict, text }: &Finding| {
        [(*check).to_owned(), verdict.as_str().to_owned(), text.clone()]
    };
    let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned)).chain(findings.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}
