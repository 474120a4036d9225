//! Nested tables, from TOML or from JSON, to dotted keys.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::config::load::schema::Schema;
use crate::config::load::value::Value;

/// A value that may be a table of others.
pub(in crate::config) trait Node {
    /// Name, offset in the source and value of each, if it is a table.
    fn children(&self) -> Option<Vec<(&str, usize, &Self)>>;

    /// As a value. None is the null of JSON: as if it were not there.
    fn value(&self) -> Option<Value>;
}

impl Node for Spanned<DeValue<'_>> {
    fn children(&self) -> Option<Vec<(&str, usize, &Self)>> {
        let table = self.get_ref().as_table()?;
        Some(table.iter().map(|(name, value)| (name.get_ref().as_ref(), name.span().start, value)).collect())
    }

    fn value(&self) -> Option<Value> {
        Some(match self.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a number that is too large"), Value::Integer),
            DeValue::Float(number) => {
                number.as_str().parse().map_or(Value::Other("a number that is too large"), Value::Float)
            }
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            DeValue::Array(items) => list(items.iter()),
            DeValue::Datetime(_) => Value::Other("a date or time"),
            DeValue::Table(_) => Value::Other("a table"),
        })
    }
}

impl Node for Json {
    fn children(&self) -> Option<Vec<(&str, usize, &Self)>> {
        Some(self.as_object()?.iter().map(|(name, value)| (name.as_str(), 0, value)).collect())
    }

    fn value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => return None,
            Self::String(text) => Value::String(text.clone()),
            Self::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Integer(whole),
                (None, Some(float)) => Value::Float(float),
                (None, None) => Value::Other("a number that is too large"),
            },
            Self::Bool(truth) => Value::Boolean(*truth),
            Self::Array(items) => list(items.iter()),
            Self::Object(_) => Value::Other("a table"),
        })
    }
}

/// A list one level deep: no key takes lists of lists, and nothing recurses over input that way.
fn list<'a, N: Node + 'a>(items: impl Iterator<Item = &'a N>) -> Value {
    Value::List(
        items
            .map(|item| match item.value() {
                Some(Value::List(_)) => Value::Other("a list"),
                Some(value) => value,
                None => Value::Other("nothing"),
            })
            .collect(),
    )
}

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
