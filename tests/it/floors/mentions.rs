//! What a file names: every path in it, however it is written, also in macros and attributes.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

use super::source::{Names, Source, attributes, is_for_tests};

/// A path that a file names.
pub(super) struct Mention {
    /// The module in which it is named.
    pub(super) module: Names,
    /// The path as it is written; of a `use`, in full, without its `*`.
    pub(super) names: Names,
    pub(super) line: usize,
    pub(super) kind: Kind,
    /// Whether it is in code that is compiled for tests alone.
    pub(super) is_test: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A `use` that makes the path known by this name.
    Use { is_public: bool, name: String },
    /// A `use` of all that a module has.
    Glob { is_public: bool },
    /// The name of a macro that is called.
    Macro,
    /// Anything else.
    Path,
}

/// All that a file names, in the order in which it is written.
pub(super) fn mentions(source: &Source) -> Vec<Mention> {
    let mut reader = Reader { module: source.module.clone(), tests: 0, found: Vec::new() };
    reader.visit_file(&source.syntax);
    reader.found
}

struct Reader {
    module: Names,
    /// How many items for tests alone the place is in.
    tests: usize,
    found: Vec<Mention>,
}

impl Reader {
    fn add(&mut self, names: Names, line: usize, kind: Kind) {
        self.found.push(Mention { module: self.module.clone(), names, line, kind, is_test: self.tests > 0 });
    }

    fn within_tests(&mut self, is_test: bool, inner: impl FnOnce(&mut Self)) {
        self.tests += usize::from(is_test);
        inner(self);
        self.tests -= usize::from(is_test);
    }

    fn within_module(&mut self, name: String, inner: impl FnOnce(&mut Self)) {
        self.module.push(name);
        inner(self);
        self.module.pop();
    }

    fn add_tree(&mut self, prefix: &[String], tree: &UseTree, is_public: bool) {
        let with = |ident: &Ident| [prefix, &[text(ident)]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree, is_public),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(prefix, tree, is_public))
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.add(prefix.to_vec(), line, Kind::Glob { is_public });
            }
            UseTree::Name(leaf) => {
                let mut names = with(&leaf.ident);
                if leaf.ident == "self" && names.len() > 1 {
                    names.pop();
                }
                let name = names.last().cloned().unwrap_or_default();
                self.add(names, line(&leaf.ident), Kind::Use { is_public, name });
            }
            UseTree::Rename(leaf) => {
                let mut names = with(&leaf.ident);
                if leaf.ident == "self" && names.len() > 1 {
                    names.pop();
                }
                self.add(names, line(&leaf.ident), Kind::Use { is_public, name: text(&leaf.rename) });
            }
        }
    }

    /// Finds the paths in tokens that are not parsed: the arguments of a macro or attribute, and the body of a macro.
    fn scan(&mut self, tokens: &TokenStream) {
        let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            at = match &trees[at] {
                TokenTree::Group(group) => {
                    self.scan(&group.stream());
                    at + 1
                }
                // The place of a `pub(crate)`.
                TokenTree::Ident(ident) if ident == "pub" && is_parenthesis(trees.get(at + 1)) => at + 2,
                TokenTree::Ident(ident) if ident == "mod" => self.scan_module(&trees, at),
                TokenTree::Ident(ident) => self.scan_path(ident, &trees, at),
                TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
            };
        }
    }

    /// A module in the body of a macro: its name may be an argument of the macro.
    fn scan_module(&mut self, trees: &[TokenTree], at: usize) -> usize {
        let name_at = at + 1 + usize::from(is_punct(trees.get(at + 1), '$'));
        match (trees.get(name_at), trees.get(name_at + 1)) {
            (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) => {
                self.within_module(text(name), |this| this.scan(&body.stream()));
                name_at + 2
            }
            _ => at + 1,
        }
    }

    /// A path that begins with this name; returns where it ends.
    fn scan_path(&mut self, first: &Ident, trees: &[TokenTree], at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|index| trees.get(index));
        let is_field = is_punct(before, '.') && !(at >= 2 && is_punct(trees.get(at - 2), '.'));
        let is_argument = is_punct(before, '$') && first != "crate";
        let is_lifetime = is_punct(before, '\'');
        let is_of_other_crate = at >= 2 && is_separator(trees, at - 2) && first != "zato_sso";
        let mut names = vec![text(first)];
        let mut next = at + 1;
        while is_separator(trees, next) {
            match trees.get(next + 2) {
                Some(TokenTree::Ident(name)) => {
                    names.push(text(name));
                    next += 3;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.scan_list(&names, &group.stream());
                    return next + 3;
                }
                Some(tree) if is_punct(Some(tree), '*') => {
                    self.add(names, line(first), Kind::Glob { is_public: false });
                    return next + 3;
                }
                _ => break,
            }
        }
        if !(is_field || is_argument || is_lifetime || is_of_other_crate) {
            let is_macro =
                is_punct(trees.get(next), '!') && matches!(trees.get(next + 1), Some(TokenTree::Group(_)));
            self.add(names, line(first), if is_macro { Kind::Macro } else { Kind::Path });
        }
        next
    }

    /// The list of a `use` in tokens.
    fn scan_list(&mut self, prefix: &[String], list: &TokenStream) {
        let trees: Vec<TokenTree> = list.clone().into_iter().collect();
        for part in trees.split(|tree| is_punct(Some(tree), ',')) {
            let mut names = prefix.to_vec();
            for (index, tree) in part.iter().enumerate() {
                match tree {
                    TokenTree::Ident(ident) if ident == "as" => break,
                    TokenTree::Ident(ident) if ident == "self" => {}
                    TokenTree::Ident(ident) => names.push(text(ident)),
                    TokenTree::Group(group) => self.scan_list(&names, &group.stream()),
                    TokenTree::Punct(_) | TokenTree::Literal(_) => continue,
                }
                if !is_separator(part, index + 1) && !matches!(tree, TokenTree::Group(_)) {
                    self.add(names.clone(), tree.span().start().line, Kind::Path);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        self.within_tests(is_for_tests(attributes(item)), |this| visit::visit_item(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.within_tests(is_for_tests(&item.attrs), |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.within_module(text(&item.ident), |this| visit::visit_item_mod(this, item));
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&[], &item.tree, !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {
        // `pub(in crate::ops)` imports nothing.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path.segments.iter().map(|segment| text(&segment.ident)).collect();
        if path.leading_colon.is_none() || names[0] == "zato_sso" {
            self.add(names, line(&path.segments[0].ident), Kind::Path);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let names = called.path.segments.iter().map(|segment| text(&segment.ident)).collect();
        self.add(names, line(&called.path.segments[0].ident), Kind::Macro);
        self.scan(&called.tokens);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if !attribute.path().is_ident("doc") {
            visit::visit_attribute(self, attribute);
        }
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.scan(tokens);
    }
}

pub(super) fn text(ident: &Ident) -> String {
    ident.unraw().to_string()
}

pub(super) fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

pub(super) fn is_punct(tree: Option<&TokenTree>, character: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_parenthesis(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}

/// Whether `::` stands here.
pub(super) fn is_separator(trees: &[TokenTree], at: usize) -> bool {
    let first = trees.get(at);
    is_punct(first, ':')
        && is_punct(trees.get(at + 1), ':')
        && matches!(first, Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint)
}
