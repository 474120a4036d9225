//! Tables for people. Columns are as wide as the first page of rows needs; longer values of later pages run over, for
//! knowing them all beforehand would mean holding all rows.

use crate::domain::one_line;

/// Space between columns.
const GAP: &str = "  ";

/// A table of so many columns.
pub(in crate::cli) struct Table<const N: usize> {
    widths: [usize; N],
}

impl<const N: usize> Table<N> {
    /// Columns wide enough for these rows, the titles among them.
    pub fn fitting<'a>(rows: impl IntoIterator<Item = &'a [String; N]>) -> Self {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(one_line(cell).chars().count());
            }
        }
        Self { widths }
    }

    /// One row as a line.
    pub fn line(&self, row: &[String; N]) -> String {
        let cells = self.widths.iter().zip(row);
        let cells: Vec<String> = cells.map(|(width, cell)| format!("{:<width$}", one_line(cell))).collect();
        cells.join(GAP).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 3]) -> [String; 3] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_are_as_wide_as_the_first_rows_need() {
        let first = [row(["NAME", "EMAIL", "LOCKED"]), row(["zoë", "zoe@example.com", "no"])];
        let table = Table::fitting(&first);
        let later = row(["a-longer-name", "", "yes"]);
        let lines: Vec<String> = first.iter().chain([&later]).map(|row| table.line(row)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        NAME  EMAIL            LOCKED
        zoë   zoe@example.com  no
        a-longer-name                   yes
        ");
    }

    #[test]
    fn a_row_stays_one_line() {
        let tricky = row(["a\nb", "", ""]);
        assert_eq!(Table::fitting([&tricky]).line(&tricky), "a b");
    }
}
