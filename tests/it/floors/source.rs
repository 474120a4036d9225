//! The source files under `src`, parsed, each with the module that it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::{Attribute, File, Item, ItemMod};

/// The names of a path, in order: of a module from the root of the crate, or as they are written in a file.
pub(super) type Names = Vec<String>;

/// One file.
pub(super) struct Source {
    /// Where it is, relative to `src`, with `/`.
    pub(super) place: String,
    /// The module that it is: `store::user` for `store/user.rs` and for `store/user/mod.rs`.
    pub(super) module: Names,
    pub(super) syntax: File,
    /// The same, as tokens.
    pub(super) tokens: TokenStream,
}

impl Source {
    /// Parses one file; the place is relative to `src`.
    pub(super) fn parse(place: &str, text: &str) -> Result<Self, String> {
        let syntax = syn::parse_file(text)
            .map_err(|error| format!("{place}:{}: {error}", error.span().start().line))?;
        let tokens = text.parse().map_err(|error| format!("{place}: {error}"))?;
        let mut module: Names =
            Path::new(place).with_extension("").iter().map(|part| part.to_string_lossy().into()).collect();
        let is_root = module == ["lib"] || module == ["main"];
        if is_root || module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        Ok(Self { place: place.to_owned(), module, syntax, tokens })
    }

    /// The folder or file of `src` that it belongs to: a floor, a face, or `lib`.
    pub(super) fn home(&self) -> &str {
        let first = self.place.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether it has anything but declarations of modules and re-exports.
    pub(super) fn has_items(&self) -> bool {
        self.syntax.items.iter().any(|item| match item {
            Item::Use(_) => false,
            Item::Mod(module) => module.content.is_some() && !is_for_tests(&module.attrs),
            other => !is_for_tests(attributes(other)),
        })
    }
}

/// All files under a folder, in the order of their places.
pub(super) fn find(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    find_files(root, &mut files);
    let read = |file: PathBuf| {
        let place = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        Source::parse(&place, &fs::read_to_string(&file).unwrap()).unwrap_or_else(|error| panic!("{error}"))
    };
    files.into_iter().map(read).collect()
}

fn find_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            find_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The modules that are compiled for tests alone, of those that have a file of their own.
pub(super) fn test_modules(sources: &[Source]) -> BTreeSet<Names> {
    declarations(sources).filter(|(_, item)| is_for_tests(&item.attrs)).map(|(names, _)| names).collect()
}

/// The modules whose macros the files after them use by name alone.
pub(super) fn macro_modules(sources: &[Source]) -> BTreeSet<Names> {
    let has_macros = |item: &ItemMod| item.attrs.iter().any(|attr| attr.path().is_ident("macro_use"));
    declarations(sources).filter(|(_, item)| has_macros(item)).map(|(names, _)| names).collect()
}

/// Each `mod name;` with the module that it declares.
fn declarations(sources: &[Source]) -> impl Iterator<Item = (Names, &ItemMod)> {
    sources.iter().flat_map(|source| {
        source.syntax.items.iter().filter_map(|item| match item {
            Item::Mod(declared) if declared.content.is_none() => {
                let name = declared.ident.unraw().to_string();
                Some(([source.module.clone(), vec![name]].concat(), declared))
            }
            _ => None,
        })
    })
}

/// Whether what has these attributes is compiled for tests alone.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("cfg") {
            // What else stands in a `cfg` is no error here: only `test` and `all(test, …)` are looked for.
            drop(attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("test") {
                    found = true;
                } else if meta.path.is_ident("all") {
                    meta.parse_nested_meta(|inner| {
                        found |= inner.path.is_ident("test");
                        skip_value(&inner)
                    })?;
                }
                skip_value(&meta)
            }));
        }
        found
    })
}

fn skip_value(meta: &syn::meta::ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<syn::Lit>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.input.parse::<proc_macro2::Group>()?;
    }
    Ok(())
}

/// The attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
