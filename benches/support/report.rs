//! What a benchmark in Rust measured, as JSON on standard output: `benches/main_job.py` makes the table.

use serde_json::{Value, json};

use super::measure::Series;

/// What one benchmark measured: each figure with the yardstick of the same rounds.
#[derive(Debug, Default)]
pub struct Report(Vec<Value>);

impl Report {
    /// Adds something and what it is compared with.
    pub fn add(&mut self, what: &Series, yardstick: &Series) {
        let series = |series: &Series| json!({"name": series.name, "figures": series.figures});
        self.0.push(json!({"what": series(what), "yardstick": series(yardstick)}));
    }

    /// All rows.
    pub fn into_json(self) -> Value {
        Value::Array(self.0)
    }
}
