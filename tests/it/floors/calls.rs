//! The methods that a file calls, and of which type: a file may call what another defines through `self` alone.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprClosure, ExprIf, ExprMethodCall, FnArg, ImplItemFn, Item, ItemFn, ItemImpl,
    ItemMod, Local, Macro, Member, Pat, PatIdent, PatType, Signature, Token, Type, UnOp,
};

use super::mentions::{is_punct, line, text};
use super::source::{Names, Source, attributes, is_for_tests};
use super::types::{Key, Types, Written};

/// A method that is called or named.
pub(super) struct Call {
    pub(super) on: On,
    pub(super) name: String,
    pub(super) line: usize,
}

/// What a method is called on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// A value of this type.
    Ours(Key),
    /// A value whose type another crate defines.
    Foreign,
    /// The type is not known from what is written.
    Unknown,
}

/// The methods that a file calls outside of its tests.
pub(super) fn calls(source: &Source, types: &Types<'_>) -> Vec<Call> {
    let module = source.module.clone();
    let mut reader = Reader { types, module, own: None, variables: BTreeMap::new(), found: Vec::new() };
    reader.visit_file(&source.syntax);
    reader.found
}

struct Reader<'a> {
    types: &'a Types<'a>,
    module: Names,
    /// What `Self` is.
    own: Option<Written>,
    /// The types of variables that are known; None for one that hides another.
    variables: BTreeMap<String, Option<Written>>,
    found: Vec<Call>,
}

/// Methods that return what they are called on, as far as its own methods go. (An `Option` is as good as a `Result`.)
const TRANSPARENT: &[&str] =
    &["clone", "as_ref", "as_mut", "borrow", "to_owned", "ok_or", "ok_or_else", "map_err"];

/// Methods that take a value out of an `Option` or a `Result`.
const UNWRAPPING: &[&str] = &["unwrap", "expect", "unwrap_or_default"];

impl Reader<'_> {
    fn written(&self, ty: &Type) -> Written {
        match (ty, &self.own) {
            (Type::Path(path), Some(own)) if path.path.is_ident("Self") => own.clone(),
            (Type::Reference(reference), _) => self.written(&reference.elem),
            _ => Written { module: self.module.clone(), ty: ty.clone() },
        }
    }

    fn on(&self, receiver: &Expr) -> On {
        self.type_of(receiver).map_or(On::Unknown, |written| self.on_written(&written))
    }

    fn on_written(&self, written: &Written) -> On {
        match &written.ty {
            Type::ImplTrait(_) | Type::TraitObject(_) | Type::Infer(_) => On::Unknown,
            _ => self.types.key(written).map_or(On::Foreign, On::Ours),
        }
    }

    /// The type of an expression, where it follows from what is written in the crate.
    fn type_of(&self, expression: &Expr) -> Option<Written> {
        match expression {
            Expr::Path(path) => {
                let ident = path.path.get_ident()?;
                if ident == "self" { self.own.clone() } else { self.variables.get(&text(ident))?.clone() }
            }
            Expr::Reference(inner) => self.type_of(&inner.expr),
            Expr::Paren(inner) => self.type_of(&inner.expr),
            Expr::Group(inner) => self.type_of(&inner.expr),
            Expr::Await(inner) => self.type_of(&inner.base),
            Expr::Unary(inner) if matches!(inner.op, UnOp::Deref(_)) => self.type_of(&inner.expr),
            Expr::Try(inner) => self.types.unwrapped(&self.type_of(&inner.expr)?),
            Expr::Struct(made) => {
                let path = syn::TypePath { attrs: Vec::new(), qself: None, path: made.path.clone() };
                Some(self.written(&Type::Path(path)))
            }
            Expr::Field(field) => {
                let Member::Named(name) = &field.member else { return None };
                self.types.field(&self.types.key(&self.type_of(&field.base)?)?, &text(name))
            }
            Expr::MethodCall(call) => self.type_of_call(call),
            Expr::Call(call) => {
                let Expr::Path(function) = &*call.func else { return None };
                let names: Names = function.path.segments.iter().map(|part| text(&part.ident)).collect();
                if names.len() == 2 && names[1] == "clone" {
                    return self.type_of(call.args.first()?);
                }
                self.type_of_function(&names)
            }
            _ => None,
        }
    }

    fn type_of_call(&self, call: &ExprMethodCall) -> Option<Written> {
        let receiver = self.type_of(&call.receiver)?;
        let name = text(&call.method);
        if let Some(key) = self.types.key(&receiver)
            && let Some(output) = self.types.method_output(&key, &name)
        {
            return Some(output);
        }
        if UNWRAPPING.contains(&name.as_str()) {
            return self.types.unwrapped(&receiver);
        }
        TRANSPARENT.contains(&name.as_str()).then_some(receiver)
    }

    fn type_of_function(&self, names: &[String]) -> Option<Written> {
        if let Some((key, method)) = self.method(names) {
            return self.types.method_output(&key, &method);
        }
        self.types.function_output(&self.types.named_key(&self.module, names)?)
    }

    /// The type and the name of a method that a path names.
    fn method(&self, names: &[String]) -> Option<(Key, String)> {
        let (name, ty) = names.split_last()?;
        let key = if ty == ["Self"] {
            self.types.key(self.own.as_ref()?)?
        } else {
            self.types.named_key(&self.module, ty)?
        };
        Some((key, name.clone()))
    }

    fn add(&mut self, on: On, name: &Ident) {
        self.found.push(Call { on, name: text(name), line: line(name) });
    }

    fn add_path(&mut self, names: &[String], last: &Ident) {
        if let Some((key, _)) = self.method(names) {
            self.add(On::Ours(key), last);
        }
    }

    /// Visits what has variables of its own.
    fn within(&mut self, inner: impl FnOnce(&mut Self)) {
        let variables = self.variables.clone();
        inner(self);
        self.variables = variables;
    }

    fn add_arguments(&mut self, signature: &Signature) {
        for argument in &signature.inputs {
            if let FnArg::Typed(typed) = argument {
                self.add_typed(typed);
            }
        }
    }

    fn add_typed(&mut self, typed: &PatType) {
        if let Pat::Ident(variable) = &*typed.pat {
            let written = self.written(&typed.ty);
            self.variables.insert(text(&variable.ident), Some(written));
        }
    }

    /// Finds calls in tokens that are not parsed.
    fn scan(&mut self, tokens: &TokenStream) {
        let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            if let TokenTree::Group(group) = tree {
                self.scan(&group.stream());
            }
            let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(_))) =
                (trees.get(at + 1), trees.get(at + 2))
            else {
                continue;
            };
            if !is_punct(Some(tree), '.') {
                continue;
            }
            let before = |steps: usize| at.checked_sub(steps).and_then(|index| trees.get(index));
            let is_start = !is_punct(before(2), '.') && !is_punct(before(2), '$');
            let on = match before(1) {
                Some(TokenTree::Ident(variable)) if is_start => {
                    let written = if variable == "self" {
                        self.own.clone()
                    } else {
                        self.variables.get(&text(variable)).cloned().flatten()
                    };
                    written.map_or(On::Unknown, |written| self.on_written(&written))
                }
                _ => On::Unknown,
            };
            self.add(on, name);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(text(&item.ident));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let outer = self.own.replace(Written { module: self.module.clone(), ty: (*item.self_ty).clone() });
        visit::visit_item_impl(self, item);
        self.own = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            self.within(|this| {
                this.add_arguments(&item.sig);
                visit::visit_impl_item_fn(this, item);
            });
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.within(|this| {
            this.variables.clear();
            this.add_arguments(&item.sig);
            visit::visit_item_fn(this, item);
        });
    }

    fn visit_signature(&mut self, _: &'ast Signature) {
        // The arguments are known already; nothing is called here.
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.within(|this| visit::visit_block(this, block));
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.within(|this| visit::visit_arm(this, arm));
    }

    fn visit_expr_if(&mut self, expression: &'ast ExprIf) {
        self.within(|this| visit::visit_expr_if(this, expression));
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.within(|this| {
            for input in &closure.inputs {
                this.visit_pat(input);
                if let Pat::Type(typed) = input {
                    this.add_typed(typed);
                }
            }
            this.visit_expr(&closure.body);
        });
    }

    fn visit_local(&mut self, local: &'ast Local) {
        let mut known = None;
        if let Some(init) = &local.init {
            self.visit_local_init(init);
            known = self.type_of(&init.expr);
        }
        self.visit_pat(&local.pat);
        match &local.pat {
            Pat::Ident(variable) => drop(self.variables.insert(text(&variable.ident), known)),
            Pat::Type(typed) => self.add_typed(typed),
            _ => {}
        }
    }

    fn visit_pat_ident(&mut self, variable: &'ast PatIdent) {
        self.variables.insert(text(&variable.ident), None);
        visit::visit_pat_ident(self, variable);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let on = self.on(&call.receiver);
        self.add(on, &call.method);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path.segments.iter().map(|segment| text(&segment.ident)).collect();
        if names.len() > 1 {
            self.add_path(&names, &path.segments[names.len() - 1].ident);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(expressions) = arguments.parse2(called.tokens.clone()) {
            // What is parsed here does not live as long as the file.
            let mut inner = Reader {
                types: self.types,
                module: self.module.clone(),
                own: self.own.clone(),
                variables: self.variables.clone(),
                found: Vec::new(),
            };
            expressions.iter().for_each(|expression| inner.visit_expr(expression));
            self.found.append(&mut inner.found);
        } else {
            self.scan(&called.tokens);
        }
    }
}
