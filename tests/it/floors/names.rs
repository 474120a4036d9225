//! Leads a path to the file that defines what it names, through re-exports.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Item, ItemMod, ItemUse};

use super::mentions::{Kind, Mention, text};
use super::source::{Names, Source, macro_modules};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The file, as an index into the sources.
    pub(super) file: usize,
    pub(super) module: Names,
    /// What follows the module: nothing if it is the module itself, else an item, and what is named of that.
    pub(super) rest: Names,
}

/// All modules of the crate and what they have.
pub(super) struct Index {
    modules: BTreeMap<Names, Module>,
    /// The files that define a macro which is called by name alone.
    macros: BTreeMap<String, BTreeSet<usize>>,
}

#[derive(Default)]
struct Module {
    /// None for a folder that has no `mod.rs`.
    file: Option<usize>,
    children: BTreeSet<String>,
    items: BTreeSet<String>,
    uses: BTreeMap<String, Names>,
    globs: Vec<Names>,
}

impl Module {
    fn has(&self, name: &str) -> bool {
        self.children.contains(name) || self.items.contains(name) || self.uses.contains_key(name)
    }
}

/// How many re-exports a path may lead through: more of them are a circle.
const MAX_STEPS: usize = 16;

impl Index {
    pub(super) fn new(sources: &[Source], mentions: &[Vec<Mention>]) -> Self {
        let mut index = Self { modules: BTreeMap::new(), macros: BTreeMap::new() };
        let macro_modules = macro_modules(sources);
        for (file, source) in sources.iter().enumerate() {
            // The binary is a crate of its own.
            if source.home() == "main" {
                continue;
            }
            index.module(&source.module).file = Some(file);
            let mut definitions = Definitions { module: source.module.clone(), found: Vec::new() };
            definitions.visit_file(&source.syntax);
            for (module, name, kind) in definitions.found {
                match kind {
                    Defined::Module => index.module(&[module, vec![name]].concat()).file = Some(file),
                    Defined::Item => drop(index.module(&module).items.insert(name)),
                    Defined::Macro => {
                        if macro_modules.contains(&source.module) {
                            index.macros.entry(name.clone()).or_default().insert(file);
                        }
                        index.module(&module).items.insert(name);
                    }
                }
            }
            for mention in &mentions[file] {
                let module = index.module(&mention.module);
                match &mention.kind {
                    Kind::Use { name, .. } => {
                        module.uses.entry(name.clone()).or_insert_with(|| mention.names.clone());
                    }
                    Kind::Glob { .. } => module.globs.push(mention.names.clone()),
                    Kind::Macro | Kind::Path => {}
                }
            }
        }
        index
    }

    /// The module of these names, which is made known to those above it.
    fn module(&mut self, names: &[String]) -> &mut Module {
        if let Some((last, above)) = names.split_last() {
            self.module(above).children.insert(last.clone());
        }
        self.modules.entry(names.to_vec()).or_default()
    }

    /// The only file whose macro is called by this name alone.
    pub(super) fn macro_file(&self, name: &str) -> Option<usize> {
        let files = self.macros.get(name)?;
        (files.len() == 1).then(|| files.first().copied()).flatten()
    }

    /// What a path leads to that is written in a module. None for what another crate has, and for names that are not
    /// in scope, as those of variables.
    pub(super) fn resolve(&self, module: &[String], names: &[String]) -> Option<Target> {
        self.follow(module, names, MAX_STEPS)
    }

    fn follow(&self, module: &[String], names: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        if let Some(absolute) = absolute(module, names) {
            return self.descend(&[], &absolute, steps);
        }
        let first = names.first()?;
        let here = self.modules.get(module)?;
        if here.has(first) {
            return self.descend(module, names, steps);
        }
        let through = self.glob_with(here, module, first, steps)?;
        self.descend(&through, names, steps)
    }

    /// Follows names downwards from a module.
    fn descend(&self, start: &[String], names: &[String], steps: usize) -> Option<Target> {
        let mut module = start.to_vec();
        let mut rest = names;
        while let Some((first, after)) = rest.split_first() {
            let here = self.modules.get(&module)?;
            if here.children.contains(first) {
                module.push(first.clone());
                rest = after;
            } else if here.items.contains(first) {
                break;
            } else if let Some(used) = here.uses.get(first) {
                // A crate that is known by its own name.
                if used.first() == Some(first) {
                    return None;
                }
                return self.follow(&module, &[used.as_slice(), after].concat(), steps);
            } else if let Some(through) = self.glob_with(here, &module, first, steps) {
                return self.descend(&through, rest, steps.checked_sub(1)?);
            } else {
                // What a macro of the module makes.
                break;
            }
        }
        let file = self.modules.get(&module)?.file?;
        Some(Target { file, module, rest: rest.to_vec() })
    }

    /// The module that a `use` with `*` leads to and that has the name.
    fn glob_with(&self, here: &Module, module: &[String], name: &str, steps: usize) -> Option<Names> {
        here.globs.iter().find_map(|glob| {
            let target = self.follow(module, glob, steps)?;
            let has = |there: &Module| there.has(name);
            (target.rest.is_empty() && self.modules.get(&target.module).is_some_and(has))
                .then_some(target.module)
        })
    }
}

/// A path from the root of the crate, without `crate`; None if it is not written as one from there or from a place
/// relative to its module.
pub(super) fn absolute(module: &[String], names: &[String]) -> Option<Names> {
    let first = names.first()?.as_str();
    if ["crate", "zato_sso"].contains(&first) {
        return Some(names[1..].to_vec());
    }
    if !["self", "super"].contains(&first) {
        return None;
    }
    let after_self = &names[usize::from(first == "self")..];
    let ups = after_self.iter().take_while(|name| *name == "super").count();
    let base = &module[..module.len().saturating_sub(ups)];
    Some([base, &after_self[ups..]].concat())
}

enum Defined {
    Module,
    Item,
    Macro,
}

/// Finds what the modules of a file define.
struct Definitions {
    module: Names,
    found: Vec<(Names, String, Defined)>,
}

impl<'ast> Visit<'ast> for Definitions {
    fn visit_item(&mut self, item: &'ast Item) {
        let mut define = |ident, kind| self.found.push((self.module.clone(), text(ident), kind));
        match item {
            Item::Const(item) => define(&item.ident, Defined::Item),
            Item::Enum(item) => define(&item.ident, Defined::Item),
            Item::Fn(item) => define(&item.sig.ident, Defined::Item),
            Item::Macro(item) => item.ident.iter().for_each(|ident| define(ident, Defined::Macro)),
            Item::Static(item) => define(&item.ident, Defined::Item),
            Item::Struct(item) => define(&item.ident, Defined::Item),
            Item::Trait(item) => define(&item.ident, Defined::Item),
            Item::Type(item) => define(&item.ident, Defined::Item),
            Item::Union(item) => define(&item.ident, Defined::Item),
            Item::Mod(module) => self.visit_item_mod(module),
            _ => {}
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() {
            self.found.push((self.module.clone(), text(&item.ident), Defined::Module));
            self.module.push(text(&item.ident));
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, _: &'ast ItemUse) {}
}
