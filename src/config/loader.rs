//! Loading: the sources, and which of them wins.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::Config;
use crate::config::load::environment::{PREFIX, SHORT, Said, read_value, said_by, text_of};
use crate::config::load::error::{Error, Origin};
use crate::config::load::ini;
use crate::config::load::schema::Schema;
use crate::config::load::tree::flatten;
use crate::config::load::value::Value;
use crate::config::load::values::Values;

/// The sources of a configuration. Arguments override the environment, which overrides the file, which overrides the
/// defaults. It reads nothing that it was not given.
#[derive(Default)]
pub struct Loader {
    file: Option<FileSource>,
    arguments: Vec<Json>,
    environment: Vec<(OsString, OsString)>,
}

struct FileSource {
    path: PathBuf,
    /// None: it is still to be read.
    text: Option<String>,
}

impl Loader {
    /// No sources: the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A file, which must exist: TOML, or the INI dialect where its name ends in `.conf` or `.ini`.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(FileSource { path: path.into(), text: None });
        self
    }

    /// The content of a file. Its name tells the format, and stands in messages.
    #[must_use]
    pub fn text(mut self, name: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.file = Some(FileSource { path: name.into(), text: Some(text.into()) });
        self
    }

    /// One dotted key and its value, as from the command line. A later one overrides an earlier one.
    #[must_use]
    pub fn argument(self, key: &str, value: impl Into<Json>) -> Self {
        self.arguments(Json::Object([(key.to_owned(), value.into())].into_iter().collect()))
    }

    /// A tree of sections and keys, as from a Python dictionary: `{"session": {"expiry": 5}}`, or with dotted keys,
    /// `{"session.expiry": 5}`. Null is as if it were not there.
    #[must_use]
    pub fn arguments(mut self, tree: Json) -> Self {
        self.arguments.push(tree);
        self
    }

    /// Environment variables; those that do not begin with `ZATO_SSO_` are left out.
    #[must_use]
    pub fn environment<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let ours = |(name, value): (K, V)| {
            let name: OsString = name.into();
            name.to_string_lossy().starts_with(PREFIX).then(|| (name, value.into()))
        };
        self.environment.extend(variables.into_iter().filter_map(ours));
        self
    }

    /// The environment of this process.
    #[must_use]
    pub fn process_environment(self) -> Self {
        self.environment(std::env::vars_os())
    }

    /// Reads all sources, and checks all that they give.
    ///
    /// # Errors
    /// The first fault, in the order of the sources: file, environment, arguments. A wrong value is one also where another
    /// source overrides it.
    pub fn load(self) -> Result<Config, Error> {
        let schema = Schema::new(Config::sections());
        let mut values = Values::default();
        if let Some(file) = self.file {
            read_file(&schema, file, &mut values)?;
            Config::read(&values)?;
        }
        read_environment(&schema, self.environment, &mut values)?;
        Config::read(&values)?;
        for tree in &self.arguments {
            read_arguments(&schema, tree, &mut values)?;
        }
        let mut config = Config::read(&values)?;
        config.apps.follow_all(|key| values.get(key).is_some());
        config.validate()?;
        Ok(config)
    }
}

fn read_file(schema: &Schema, file: FileSource, values: &mut Values) -> Result<(), Error> {
    let FileSource { path, text } = file;
    let text = match text {
        Some(text) => text,
        None => std::fs::read_to_string(&path)
            .map_err(|source| Error::Unreadable { path: path.clone(), source })?,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let origin = |line| Origin::File { path: path.clone(), line };
    if is_ini(&path) {
        let pairs = ini::parse(text);
        let pairs =
            pairs.map_err(|problem| Error::Syntax { origin: origin(problem.line), problem: problem.text })?;
        return pairs
            .into_iter()
            .try_for_each(|pair| set(schema, values, pair.key, pair.value, origin(pair.line)));
    }
    let lines = LineEnds::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    if let Some(error) = errors.iter().min_by_key(|error| offset(error)) {
        let problem = error.message().to_owned();
        return Err(Error::Syntax { origin: origin(lines.line_of(offset(error))), problem });
    }
    let root = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    flatten(schema, &root)
        .into_iter()
        .try_for_each(|leaf| set(schema, values, leaf.key, leaf.value, origin(lines.line_of(leaf.offset))))
}

fn is_ini(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("conf") || end.eq_ignore_ascii_case("ini"))
}

/// Where the lines of a text end.
struct LineEnds(Vec<usize>);

impl LineEnds {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(offset, _)| offset).collect())
    }

    /// The line, from 1, of a place in the text.
    fn line_of(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}

fn read_arguments(schema: &Schema, tree: &Json, values: &mut Values) -> Result<(), Error> {
    if !tree.is_object() {
        let problem = "expected a table of sections".to_owned();
        return Err(Error::Syntax { origin: Origin::Argument, problem });
    }
    flatten(schema, tree)
        .into_iter()
        .try_for_each(|leaf| set(schema, values, leaf.key, leaf.value, Origin::Argument))
}

fn read_environment(
    schema: &Schema,
    variables: Vec<(OsString, OsString)>,
    values: &mut Values,
) -> Result<(), Error> {
    let mut seen: Vec<(String, String)> = Vec::new();
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        let origin = Origin::Environment(name.clone());
        let said = said_by(schema, &name, &value.to_string_lossy())?;
        if matches!(said, Said::Nothing) {
            continue;
        }
        let value = text_of(value, &origin)?;
        let syntax = |problem: String| Error::Syntax { origin: origin.clone(), problem };
        let (key, value) = match said {
            Said::Nothing => continue,
            Said::Value(_) if value.is_empty() && SHORT.iter().any(|(short, _)| *short == name) => {
                // Probably an unset variable in a template. Going on without it would quietly use another database or key.
                return Err(syntax("is empty".into()));
            }
            Said::Value(key) => (key, value),
            Said::File(key) => (key, read_value(&value, &origin)?),
        };
        if let Some((_, other)) = seen.iter().find(|(seen, _)| *seen == key) {
            return Err(syntax(format!("sets {key}, and so does {other}")));
        }
        seen.push((key.clone(), name));
        values.set(key, Value::from_variable(value), origin);
    }
    Ok(())
}

fn set(schema: &Schema, values: &mut Values, key: String, value: Value, origin: Origin) -> Result<(), Error> {
    if schema.is_section(&key) && !schema.is_known(&key) {
        let found = value.found_in_secret();
        return Err(Error::WrongValue { origin, key, expected: "a section".into(), found });
    }
    if !schema.is_known(&key) {
        let (what, nearest) = match value {
            Value::Other(_) if !key.contains('.') => ("section", schema.nearest_section(&key)),
            _ => ("key", schema.nearest_key(&key)),
        };
        return Err(Error::Unknown { origin, what, nearest: nearest.to_owned(), name: key });
    }
    values.set(key, value, origin);
    Ok(())
}
