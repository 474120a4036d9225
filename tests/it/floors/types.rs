//! The types that the crate defines: their methods and fields, as far as it takes to tell whose method is called.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{
    Fields, GenericArgument, ImplItem, Item, ItemMod, PathArguments, ReturnType, Signature, TraitItem, Type,
};

use super::mentions::text;
use super::names::Index;
use super::source::{Names, Source, attributes, is_for_tests};

/// A type of the crate: the module that defines it, and its name.
pub(super) type Key = (Names, String);

/// A type as it is written, with the module in which it is.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) module: Names,
    pub(super) ty: Type,
}

/// A method in an `impl` of the type itself.
struct Method {
    file: usize,
    output: Option<Written>,
}

/// What is around a value and passes its methods on.
const POINTERS: &[&str] = &["Arc", "Box", "Rc", "Pin", "MutexGuard", "RwLockReadGuard", "RwLockWriteGuard"];

/// What `?` takes a value out of.
const WRAPPERS: &[&str] = &["Option", "Result"];

pub(super) struct Types<'a> {
    index: &'a Index,
    /// The files with an `impl` of the type itself.
    impls: BTreeMap<Key, BTreeSet<usize>>,
    methods: BTreeMap<(Key, String), Vec<Method>>,
    fields: BTreeMap<(Key, String), Written>,
    functions: BTreeMap<Key, Written>,
    /// For each name of a method, of a type or of a trait, the files that define one.
    named: BTreeMap<String, BTreeSet<usize>>,
}

impl<'a> Types<'a> {
    pub(super) fn new(index: &'a Index, sources: &[Source]) -> Self {
        let types = Self {
            index,
            impls: BTreeMap::new(),
            methods: BTreeMap::new(),
            fields: BTreeMap::new(),
            functions: BTreeMap::new(),
            named: BTreeMap::new(),
        };
        let mut reader = Reader { types, file: 0, module: Vec::new() };
        for (file, source) in sources.iter().enumerate() {
            (reader.file, reader.module) = (file, source.module.clone());
            reader.visit_file(&source.syntax);
        }
        reader.types
    }

    /// Whether several files have an `impl` of the type itself.
    pub(super) fn is_spread(&self, key: &Key) -> bool {
        self.impls.get(key).is_some_and(|files| files.len() > 1)
    }

    /// The file that defines a method of a type.
    pub(super) fn method_file(&self, key: &Key, name: &str) -> Option<usize> {
        self.methods.get(&(key.clone(), name.to_owned()))?.first().map(|method| method.file)
    }

    /// The file of the only method of this name in the crate, if its type has an `impl` in several files.
    pub(super) fn only_method(&self, name: &str) -> Option<usize> {
        if self.named.get(name)?.len() != 1 {
            return None;
        }
        let mut owners = self.methods.iter().filter(|((_, method), _)| method == name);
        let ((key, _), methods) = owners.next()?;
        (owners.next().is_none() && self.is_spread(key)).then(|| methods[0].file)
    }

    /// What a method returns; of one that is `async`, what comes of it.
    pub(super) fn method_output(&self, key: &Key, name: &str) -> Option<Written> {
        self.methods.get(&(key.clone(), name.to_owned()))?.first()?.output.clone()
    }

    pub(super) fn function_output(&self, key: &Key) -> Option<Written> {
        self.functions.get(key).cloned()
    }

    pub(super) fn field(&self, key: &Key, name: &str) -> Option<Written> {
        self.fields.get(&(key.clone(), name.to_owned())).cloned()
    }

    /// The type of the crate that a written one is, behind references and pointers.
    pub(super) fn key(&self, written: &Written) -> Option<Key> {
        match &written.ty {
            Type::Reference(inner) => self.key(&written.with(&inner.elem)),
            Type::Paren(inner) => self.key(&written.with(&inner.elem)),
            Type::Group(inner) => self.key(&written.with(&inner.elem)),
            Type::Path(path) if path.qself.is_none() => {
                let last = path.path.segments.last()?;
                if POINTERS.contains(&text(&last.ident).as_str())
                    && let Some(inner) = first_argument(&last.arguments)
                {
                    return self.key(&written.with(inner));
                }
                let names: Names = path.path.segments.iter().map(|segment| text(&segment.ident)).collect();
                self.named_key(&written.module, &names)
            }
            _ => None,
        }
    }

    /// The type of the crate that a path names.
    pub(super) fn named_key(&self, module: &[String], names: &[String]) -> Option<Key> {
        let target = self.index.resolve(module, names)?;
        (target.rest.len() == 1).then(|| (target.module, target.rest[0].clone()))
    }

    /// The type of what is in an `Option` or a `Result`; None for other types.
    pub(super) fn unwrapped(&self, written: &Written) -> Option<Written> {
        match &written.ty {
            Type::Reference(inner) => self.unwrapped(&written.with(&inner.elem)),
            Type::Path(path) => {
                let last = path.path.segments.last()?;
                let is_wrapper = WRAPPERS.contains(&text(&last.ident).as_str());
                first_argument(&last.arguments).filter(|_| is_wrapper).map(|inner| written.with(inner))
            }
            _ => None,
        }
    }
}

impl Written {
    pub(super) fn with(&self, ty: &Type) -> Self {
        Self { module: self.module.clone(), ty: ty.clone() }
    }
}

fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(list) = arguments else { return None };
    list.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

struct Reader<'a> {
    types: Types<'a>,
    file: usize,
    module: Names,
}

impl Reader<'_> {
    fn written(&self, ty: &Type) -> Written {
        Written { module: self.module.clone(), ty: ty.clone() }
    }

    fn output(&self, signature: &Signature) -> Option<Written> {
        match &signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(self.written(ty)),
        }
    }

    fn name(&mut self, signature: &Signature) {
        self.types.named.entry(text(&signature.ident)).or_default().insert(self.file);
    }

    fn read_struct(&mut self, item: &syn::ItemStruct) {
        let key = (self.module.clone(), text(&item.ident));
        let Fields::Named(fields) = &item.fields else { return };
        for field in &fields.named {
            if let Some(ident) = &field.ident {
                let written = self.written(&field.ty);
                self.types.fields.insert((key.clone(), text(ident)), written);
            }
        }
    }

    fn read_impl(&mut self, item: &syn::ItemImpl) {
        // A type that a macro makes is not found, but can only be of this module.
        let own = self.types.key(&self.written(&item.self_ty)).or_else(|| match &*item.self_ty {
            Type::Path(path) => path.path.get_ident().map(|ident| (self.module.clone(), text(ident))),
            _ => None,
        });
        let own = own.filter(|_| item.trait_.is_none());
        if let Some(key) = &own {
            self.types.impls.entry(key.clone()).or_default().insert(self.file);
        }
        for inner in &item.items {
            let ImplItem::Fn(function) = inner else { continue };
            self.name(&function.sig);
            if let Some(key) = &own {
                let output = self.output(&function.sig).map(|output| match &output.ty {
                    Type::Path(path) if path.path.is_ident("Self") => output.with(&item.self_ty),
                    _ => output,
                });
                let method = Method { file: self.file, output };
                let name = (key.clone(), text(&function.sig.ident));
                self.types.methods.entry(name).or_default().push(method);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Struct(item) => self.read_struct(item),
            Item::Impl(item) => self.read_impl(item),
            Item::Fn(item) => {
                if let Some(output) = self.output(&item.sig) {
                    self.types.functions.insert((self.module.clone(), text(&item.sig.ident)), output);
                }
            }
            Item::Trait(item) => {
                for inner in &item.items {
                    if let TraitItem::Fn(function) = inner {
                        self.name(&function.sig);
                    }
                }
            }
            Item::Mod(module) => self.visit_item_mod(module),
            _ => {}
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(text(&item.ident));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }
}
