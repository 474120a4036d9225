//! Nested tables, from TOML or from JSON, to dotted keys.

use crate::config::load::schema::Schema;
use crate::config::load::value::{Node, Value};

/// One value of a tree.
pub(in crate::config) struct Leaf {
    /// The dotted key.
    pub(in crate::config) key: String,
    /// Where in the source it begins, in bytes.
    pub(in crate::config) offset: usize,
    /// The value.
    pub(in crate::config) value: Value,
}

/// Every value of a tree by its dotted key, in the order of the source. Tables that the schema does not know come out as
/// a value, for the schema to refuse.
pub(in crate::config) fn flatten<N: Node>(schema: &Schema, root: &N) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (name, offset, child) in root.children().unwrap_or_default() {
        descend(schema, name.to_owned(), offset, child, &mut leaves);
    }
    leaves.sort_by_key(|leaf| leaf.offset);
    leaves
}

fn descend<N: Node>(schema: &Schema, key: String, offset: usize, node: &N, leaves: &mut Vec<Leaf>) {
    match node.children() {
        Some(children) if schema.has_children(&key) => {
            for (name, offset, child) in children {
                descend(schema, format!("{key}.{name}"), offset, child, leaves);
            }
        }
        _ => leaves.extend(node.value().map(|value| Leaf { key, offset, value })),
    }
}
