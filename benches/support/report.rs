//! The report: each figure beside its yardstick, as a table for people and as JSON for programs.

use std::fmt;

use serde_json::{Value, json};

use super::measure::Series;
use super::{Result, cores, target_folder};

const TITLES: [&str; 7] =
    ["what", "per second", "min .. max", "yardstick", "per second", "ratio", "min .. max"];

/// Columns of text, which stand to the left; numbers stand to the right.
const TEXT_COLUMNS: [usize; 2] = [0, 3];

/// The middle of some rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug)]
struct Summary {
    median: f64,
    min: f64,
    max: f64,
}

impl Summary {
    fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), min: at(0), max: at(last) }
    }

    fn to_json(self) -> Value {
        json!({"median": self.median, "min": self.min, "max": self.max})
    }
}

#[derive(Debug)]
struct Row {
    what: Series,
    yardstick: Series,
    ratios: Vec<f64>,
}

/// What one benchmark found out.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    rows: Vec<Row>,
}

impl Report {
    /// An empty one of this benchmark.
    pub const fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new() }
    }

    /// Adds something with what it is compared to. The ratio is that of each round, not that of the medians.
    pub fn add(&mut self, what: &Series, yardstick: &Series) {
        let ratios = what.figures.iter().zip(&yardstick.figures).map(|(what, limit)| what / limit).collect();
        self.rows.push(Row { what: what.clone(), yardstick: yardstick.clone(), ratios });
    }

    /// Writes `target/bench/<name>.json`.
    pub fn save(&self) -> Result<()> {
        let series = |series: &Series| {
            let summary = Summary::of(&series.figures).to_json();
            json!({"name": series.name, "unit": "per second", "rounds": series.figures, "summary": summary})
        };
        let rows = self.rows.iter().map(|row| {
            let ratio = json!({"rounds": row.ratios, "summary": Summary::of(&row.ratios).to_json()});
            json!({"what": series(&row.what), "yardstick": series(&row.yardstick), "ratio": ratio})
        });
        let rows: Vec<Value> = rows.collect();
        let report = json!({"benchmark": self.name, "cores": cores(), "rows": rows});
        let folder = target_folder().join("bench");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{}.json", self.name)), format!("{report:#}\n"))?;
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |row: &Row| {
            let (what, ratio) = (Summary::of(&row.what.figures), Summary::of(&row.ratios));
            [
                row.what.name.clone(),
                rate(what.median),
                format!("{} .. {}", rate(what.min), rate(what.max)),
                row.yardstick.name.clone(),
                rate(Summary::of(&row.yardstick.figures).median),
                share(ratio.median),
                format!("{} .. {}", share(ratio.min), share(ratio.max)),
            ]
        };
        let mut lines = vec![TITLES.map(str::to_owned)];
        lines.extend(self.rows.iter().map(cells));
        let mut widths = [0; TITLES.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        for line in &lines {
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                if TEXT_COLUMNS.contains(&column) {
                    write!(f, "{gap}{cell:<width$}")?;
                } else {
                    write!(f, "{gap}{cell:>width$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A figure with as many digits as mean something, thousands apart.
fn rate(figure: f64) -> String {
    if figure < 1_000.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio, with three digits that mean something.
fn share(ratio: f64) -> String {
    let zeros = if ratio > 0.0 { (-ratio.log10()).floor().clamp(0.0, 9.0) } else { 0.0 };
    format!("{ratio:.*}", 3 + zeros as usize)
}
