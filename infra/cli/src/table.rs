//! A table for a terminal: columns as wide as their widest cell.

use std::fmt;

/// A table.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize = 5> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// With a first row of these names.
    pub(crate) fn new(names: [&str; COLUMNS]) -> Self {
        Self { rows: vec![names.map(str::to_owned)] }
    }

    /// Adds a row. Nothing of it can move the cursor or start a line.
    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.map(|cell| cell.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()));
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..COLUMNS)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
            .collect();
        let lines = self.rows.iter().map(|row| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        });
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_cells_stay_in_their_line() {
        let mut table = Table::new(["a", "long name"]);
        table.row(["wide\ncell\u{1b}[2J".to_owned(), "1".to_owned()]);
        assert_eq!(table.to_string(), "a              long name\nwide\u{fffd}cell\u{fffd}[2J  1");
    }
}
