//! `import zato`.

use serde_json::json;

use crate::cli::args::ImportZatoArgs;
use crate::cli::command::import::{in_words, object, read_all, status};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Output;
use crate::cli::setup::secret::or_from_file;
use crate::config::{self, AtRest, Config};
use crate::domain::{Clock as _, SystemClock};
use crate::ops::{ImportOptions, LeftBehind, ZatoOptions, ZatoSource};

/// Brings the users of a Zato 3.x server over. What has to fit together does, or nothing is begun.
pub(in crate::cli) async fn users(config: Config, args: ImportZatoArgs, out: &Output) -> Result<(), Failure> {
    let ImportZatoArgs { from, secrets, sso_conf, sec_defs, terms } = args;
    let from = or_from_file(from, "ZATO_SSO_IMPORT_FROM")?
        .ok_or_else(|| Failure::Message("give --from or ZATO_SSO_IMPORT_FROM".to_owned()))?;
    let options = ZatoOptions {
        from: config::source_url(from.expose())
            .map_err(|error| Failure::Message(format!("--from: {error}")))?,
        keys: config::secret_keys(&secrets)?,
        at_rest: sso_conf.map_or(Ok(AtRest::default()), |file| config::at_rest(&file))?,
        sec_defs,
        now: SystemClock.now(),
    };
    let mut source = ZatoSource::open(options).await.map_err(|error| Failure::Message(error.to_string()))?;
    let options = ImportOptions::new("zato", terms.dry_run);
    let summary = read_all(config, &mut source, options, &terms).await?;
    let left_behind = source.left_behind();
    let lines = left_behind.iter().map(ToString::to_string);
    let text: Vec<_> = std::iter::once(in_words(&summary, terms.dry_run)).chain(lines).collect();
    let mut result = object(&summary, terms.dry_run);
    if let Some(result) = result.as_object_mut() {
        let left_behind: Vec<_> = left_behind.iter().map(left).collect();
        result.insert("left_behind".to_owned(), json!(left_behind));
    }
    out.result(&text.join("\n"), &result)?;
    status(&summary)
}

fn left(left: &LeftBehind) -> serde_json::Value {
    json!({"what": left.what, "count": left.count, "why": left.why})
}
