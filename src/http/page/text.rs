//! The texts of pages, in several languages: catalogues of Fluent, built in or from the folder `pages.templates`.

use std::fs;
use std::path::Path;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

/// The first one is that of texts that another does not have.
const BUILT_IN: [(&str, &str); 7] = [
    ("en", include_str!("texts/en.ftl")),
    ("de", include_str!("texts/de.ftl")),
    ("fr", include_str!("texts/fr.ftl")),
    ("es", include_str!("texts/es.ftl")),
    ("pl", include_str!("texts/pl.ftl")),
    ("ja", include_str!("texts/ja.ftl")),
    ("ar", include_str!("texts/ar.ftl")),
];

/// Languages that are written from right to left (CLDR).
const RIGHT_TO_LEFT: [&str; 12] = ["ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"];

/// The name of a language in itself.
const NAME: &str = "language";

/// How many languages of a request are looked at.
const MAX_WANTED: usize = 20;

/// Every catalogue.
pub(in crate::http) struct Texts(Vec<Language>);

/// One catalogue.
struct Language {
    tag: String,
    is_right_to_left: bool,
    bundle: FluentBundle<FluentResource>,
}

/// The language of one page, as an index of [`Texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Chosen(usize);

impl Texts {
    /// The built-in ones, and those of the folder, which override texts or add languages.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(folder: Option<&Path>) -> Result<Self, String> {
        let mut texts = Self(Vec::new());
        for (tag, source) in BUILT_IN {
            texts.add(tag, source)?;
        }
        let Some(folder) = folder else { return Ok(texts) };
        let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_none_or(|extension| extension != "ftl") {
                continue;
            }
            let told = |error: String| format!("{}: {error}", path.display());
            let source = fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
            let tag = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            texts.add(tag, &source).map_err(told)?;
        }
        Ok(texts)
    }

    fn add(&mut self, tag: &str, source: &str) -> Result<(), String> {
        let id: LanguageIdentifier = tag
            .parse()
            .map_err(|_| "the name of the file is not that of a language, such as pt-BR.ftl".to_owned())?;
        let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            format!("a text cannot be read: {first}")
        })?;
        let tag = id.to_string();
        let language = match self.0.iter().position(|language| language.tag == tag) {
            Some(known) => self.0.get_mut(known),
            None => {
                let is_right_to_left = RIGHT_TO_LEFT.contains(&id.language.as_str());
                let mut bundle = FluentBundle::new_concurrent(vec![id]);
                // Names in the other direction are kept apart from the text around them.
                bundle.set_use_isolating(is_right_to_left);
                self.0.push(Language { tag, is_right_to_left, bundle });
                self.0.last_mut()
            }
        };
        if let Some(language) = language {
            language.bundle.add_resource_overriding(resource);
        }
        Ok(())
    }

    /// The first language that is wanted and there is; English where there is none.
    pub fn choose<'a>(&self, wanted: impl Iterator<Item = &'a str>) -> Chosen {
        let found = wanted.take(MAX_WANTED).find_map(|wanted| {
            let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
            let whole = self.0.iter().position(|language| language.tag.eq_ignore_ascii_case(wanted));
            whole.or_else(|| self.0.iter().position(|language| primary(&language.tag) == primary(wanted)))
        });
        Chosen(found.unwrap_or(0))
    }

    /// The tag of a language, as HTML has it, and whether it is written from right to left.
    pub fn of(&self, chosen: Chosen) -> (&str, bool) {
        self.0.get(chosen.0).map_or(("en", false), |language| (&language.tag, language.is_right_to_left))
    }

    /// Tag and name of every language.
    pub fn names(&self) -> Vec<(String, String)> {
        let name = |(index, language): (usize, &Language)| {
            let name = self.say(Chosen(index), NAME, None).unwrap_or_else(|| language.tag.clone());
            (language.tag.clone(), name)
        };
        self.0.iter().enumerate().map(name).collect()
    }

    /// A text; in English where the language does not have it. None if there is no such text.
    pub fn say(&self, chosen: Chosen, id: &str, values: Option<&FluentArgs<'_>>) -> Option<String> {
        [chosen.0, 0].into_iter().find_map(|index| {
            let bundle = &self.0.get(index)?.bundle;
            let pattern = bundle.get_message(id)?.value()?;
            // What a text asks for and is not given stands there by its name.
            Some(bundle.format_pattern(pattern, values, &mut Vec::new()).into_owned())
        })
    }
}

/// The languages of the header `Accept-Language`, those that are wanted most first (RFC 9110, section 12.5.4).
pub(in crate::http) fn accepted(header: &str) -> Vec<&str> {
    let mut wanted: Vec<(&str, f32)> = header
        .split(',')
        .take(MAX_WANTED)
        .filter_map(|one| {
            let (tag, weight) = one.split_once(';').unwrap_or((one, "q=1"));
            let weight = weight.trim().strip_prefix("q=")?.parse().ok()?;
            Some((tag.trim(), weight)).filter(|(_, weight)| *weight > 0.0)
        })
        .collect();
    wanted.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    wanted.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids(source: &str) -> BTreeSet<String> {
        let is_id = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
        source.lines().filter(is_id).filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect()
    }

    #[test]
    fn every_language_has_every_text() {
        let english = ids(BUILT_IN[0].1);
        assert!(english.len() > 50);
        for (tag, source) in BUILT_IN {
            assert_eq!(ids(source), english, "{tag}");
        }
    }

    #[test]
    fn what_is_wanted_most_and_there_is_is_chosen() {
        let texts = Texts::load(None).unwrap();
        let of = |header: &str| texts.of(texts.choose(accepted(header).into_iter())).0.to_owned();
        assert_eq!(of(""), "en");
        assert_eq!(of("tlh, en-GB;q=0.5"), "en");
        assert_eq!(accepted("a;q=0.2, b, c;q=0, d;q=x, e;q=0.9"), ["b", "e", "a"]);
    }

    #[test]
    fn a_folder_overrides_texts_and_adds_languages() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("en.ftl"), "login-title = Hello { $site }\n").unwrap();
        fs::write(folder.path().join("tlh.ftl"), "login-title = Qapla'\nlanguage = tlhIngan\n").unwrap();
        let texts = Texts::load(Some(folder.path())).unwrap();
        let mut values = FluentArgs::new();
        values.set("site", "Earth");
        let of = |tag| texts.say(texts.choose([tag].into_iter()), "login-title", Some(&values)).unwrap();
        assert_eq!((of("en"), of("tlh")), ("Hello Earth".to_owned(), "Qapla'".to_owned()));
        assert!(texts.names().contains(&("tlh".to_owned(), "tlhIngan".to_owned())));
        fs::write(folder.path().join("not a language.ftl"), "").unwrap();
        assert!(Texts::load(Some(folder.path())).is_err());
    }
}
