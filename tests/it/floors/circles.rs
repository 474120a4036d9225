//! Which file of a floor needs which, and the circles that this makes.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::{On, calls};
use super::graph::{self, Edges};
use super::mentions::{Kind, Mention, mentions};
use super::names::{Index, Target};
use super::source::{Names, Source, test_modules};
use super::types::Types;

/// The files of the floors, and what each needs of the others on its floor.
pub(super) struct Drawing {
    files: Vec<File>,
    /// From which file to which, and the places where it is written, in order.
    edges: BTreeMap<(usize, usize), Vec<String>>,
}

struct File {
    place: String,
    home: String,
    /// Where it is in the folders: its module, and `mod` if that has modules in other files.
    block: Names,
    /// Tests, and a `mod.rs` that only declares and re-exports, are in no circle.
    counts: bool,
}

impl Drawing {
    pub(super) fn new(sources: &[Source]) -> Self {
        let mentions: Vec<Vec<Mention>> = sources.iter().map(mentions).collect();
        let index = Index::new(sources, &mentions);
        let types = Types::new(&index, sources);
        let tests = test_modules(sources);
        let files = sources.iter().map(|source| File::new(source, sources, &tests)).collect();
        let mut drawing = Self { files, edges: BTreeMap::new() };
        for (file, source) in sources.iter().enumerate() {
            if !drawing.files[file].counts {
                continue;
            }
            for mention in mentions[file].iter().filter(|mention| !mention.is_test) {
                if let Some(to) = drawing.needed(&index, sources, file, mention) {
                    let mark = if mention.kind == Kind::Macro { "!" } else { "" };
                    drawing.add(file, to, mention.line, &format!("{}{mark}", mention.names.join("::")));
                }
            }
            for call in calls(source, &types) {
                let to = match &call.on {
                    On::Ours(key) if types.is_spread(key) => types.method_file(key, &call.name),
                    On::Ours(_) | On::Foreign => None,
                    On::Unknown => types.only_method(&call.name).filter(|_| !is_common(&call.name)),
                };
                if let Some(to) = to {
                    drawing.add(file, to, call.line, &format!(".{}()", call.name));
                }
            }
        }
        drawing
    }

    /// The file that one needs because of something that it names.
    fn needed(&self, index: &Index, sources: &[Source], file: usize, mention: &Mention) -> Option<usize> {
        let is_parent = self.files[file].is_parent();
        match &mention.kind {
            // What a `mod.rs` re-exports it needs only if it names it once more.
            Kind::Use { is_public: true, .. } | Kind::Glob { is_public: true } if is_parent => None,
            Kind::Use { .. } | Kind::Glob { .. } => {
                Some(index.resolve(&mention.module, &mention.names)?.file)
            }
            Kind::Macro if mention.names.len() == 1 => {
                let name = &mention.names[0];
                let through = index.resolve(&mention.module, &mention.names).map(|target| target.file);
                let other = through.or_else(|| index.macro_file(name))?;
                (sources[other].home() == sources[file].home()).then_some(other)
            }
            Kind::Macro | Kind::Path => {
                let Target { file, rest, .. } = index.resolve(&mention.module, &mention.names)?;
                // A variable may have the name of a module.
                (mention.names.len() > 1 || !rest.is_empty()).then_some(file)
            }
        }
    }

    fn add(&mut self, from: usize, to: usize, line: usize, what: &str) {
        let (here, there) = (&self.files[from], &self.files[to]);
        if from != to && here.home == there.home && there.counts {
            self.edges.entry((from, to)).or_default().push(format!("{}:{line}: {what}", here.place));
        }
    }

    pub(super) fn edge_count(&self, home: &str) -> usize {
        self.edges.keys().filter(|(from, _)| self.files[*from].home == home).count()
    }

    /// The circles of a floor, with what makes them: between its files, and between what is in the same folder, which
    /// are files and folders as a whole.
    pub(super) fn circles(&self, home: &str) -> Vec<String> {
        let is_here = |file: usize| self.files[file].home == home;
        let by_file = self.find(|file| is_here(file).then(|| self.files[file].place.clone()));
        let mut found: Vec<String> = by_file.iter().map(|(_, text)| text.clone()).collect();
        for folder in self.folders(home) {
            let entries = |circle: &[String]| -> BTreeSet<String> {
                let files = (0..self.files.len()).filter(|file| circle.contains(&self.files[*file].place));
                files.filter_map(|file| self.entry(file, &folder)).collect()
            };
            for (blocks, text) in self.find(|file| self.entry(file, &folder)) {
                // A circle of files is one of the blocks that they are in.
                if !by_file.iter().any(|(files, _)| entries(files).iter().eq(&blocks)) {
                    found.push(format!("between blocks, {text}"));
                }
            }
        }
        found
    }

    /// What is in each folder of a floor, each after what it needs.
    pub(super) fn order(&self, home: &str) -> Vec<String> {
        let line = |folder: &Names| {
            let named = self.graph(|file| self.entry(file, folder));
            let name = |block: &String| block.rsplit('/').next().unwrap_or_default().to_owned();
            let names = |group: &Vec<String>| group.iter().map(name).collect::<Vec<_>>().join(" = ");
            let groups: Vec<String> = graph::groups(&named.nodes, &named.edges).iter().map(names).collect();
            format!("{}: {}", folder.join("/"), groups.join(" < "))
        };
        self.folders(home).iter().map(line).collect()
    }

    fn folders(&self, home: &str) -> BTreeSet<Names> {
        let blocks = self.files.iter().filter(|file| file.home == home).map(|file| &file.block);
        blocks.flat_map(|block| (1..block.len()).map(|length| block[..length].to_vec())).collect()
    }

    /// The file or folder directly in a folder that a file is or is in.
    fn entry(&self, file: usize, folder: &[String]) -> Option<String> {
        let file = &self.files[file];
        let is_inside = file.block.len() > folder.len() && file.block.starts_with(folder);
        (file.counts && is_inside).then(|| file.block[..=folder.len()].join("/"))
    }

    /// The files under names, as a graph.
    fn graph(&self, name: impl Fn(usize) -> Option<String>) -> Named<'_> {
        let nodes = (0..self.files.len()).filter_map(&name).collect();
        let mut named = Named { nodes, edges: BTreeMap::new(), causes: BTreeMap::new() };
        for ((from, to), places) in &self.edges {
            if let (Some(from), Some(to)) = (name(*from), name(*to))
                && from != to
            {
                named.edges.entry(from.clone()).or_default().insert(to.clone());
                named.causes.entry((from, to)).or_insert(&places[0]);
            }
        }
        named
    }

    /// The circles of the files under names, each with what makes it.
    fn find(&self, name: impl Fn(usize) -> Option<String>) -> Vec<(Vec<String>, String)> {
        let named = self.graph(name);
        let with_text = |circle: Vec<String>| {
            let mut lines = vec![format!("a circle of {}: {}", circle.len(), circle.join(", "))];
            for ((from, to), cause) in &named.causes {
                if circle.contains(from) && circle.contains(to) {
                    lines.push(format!("    {cause}  ({from} -> {to})"));
                }
            }
            (circle, lines.join("\n"))
        };
        graph::circles(&named.nodes, &named.edges).into_iter().map(with_text).collect()
    }
}

/// Files, or the folders that they are in, by name.
struct Named<'a> {
    nodes: BTreeSet<String>,
    edges: Edges<String>,
    /// The first place that makes each edge.
    causes: BTreeMap<(String, String), &'a String>,
}

impl File {
    fn new(source: &Source, sources: &[Source], tests: &BTreeSet<Names>) -> Self {
        let is_above = |other: &Source| {
            other.module.len() > source.module.len() && other.module.starts_with(&source.module)
        };
        let is_parent = sources.iter().any(is_above);
        let is_test = tests.iter().any(|test| source.module.starts_with(test));
        let mut block = source.module.clone();
        if is_parent {
            block.push("mod".to_owned());
        }
        Self {
            place: source.place.clone(),
            home: source.home().to_owned(),
            block,
            counts: !is_test && (!is_parent || source.has_items()),
        }
    }

    fn is_parent(&self) -> bool {
        self.block.last().is_some_and(|last| last == "mod")
    }
}

/// Whether a method has a name that other crates use too: it says nothing then where the type is unknown.
fn is_common(name: &str) -> bool {
    COMMON.contains(&name)
}

const COMMON: &[&str] = &[
    "clear",
    "close",
    "create",
    "end",
    "find",
    "flush",
    "get",
    "insert",
    "is_empty",
    "len",
    "load",
    "lock",
    "open",
    "parse",
    "pop",
    "push",
    "read",
    "remove",
    "replace",
    "run",
    "send",
    "set",
    "start",
    "stop",
    "store",
    "take",
    "update",
    "wait",
    "write",
    "write_all",
];
