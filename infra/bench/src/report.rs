//! Tables and bounds.

use std::io::{self, Write};
use std::path::Path;

use crate::measured::{COLUMNS, Measured};

/// The results as Markdown.
pub(crate) fn table(all: &[Measured]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = line(&COLUMNS.map(str::to_owned)) + &line(&COLUMNS.map(|_| "---".to_owned()));
    all.iter().fold(head, |text, measured| text + &line(&measured.cells()))
}

/// The results as CSV.
pub(crate) fn save(all: &[Measured], path: &Path) -> io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    writeln!(file, "{}", COLUMNS.join(","))?;
    all.iter().try_for_each(|measured| writeln!(file, "{}", measured.cells().join(",")))
}

/// What is promised of `measured`, and how it stands beside the echo and the echo that hashes, of the same turns.
pub(crate) fn bounds(measured: &Measured, [echo, hash]: &[Measured; 2]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut bound = |what: &str, measure: f64, most: f64, unit: &str| {
        let verdict = if measure <= most { "holds" } else { "DOES NOT HOLD" };
        lines.push(format!("{what} of {}: {measure:.2}{unit}, at most {most}{unit}: {verdict}", measured.flow));
    };
    bound("init", measured.init / echo.init, 3.0, " times the echo's");
    if measured.flow == "login" {
        bound("first answer", measured.first / hash.first, 1.5, " times echo and hash");
        bound("processor time without the hash", measured.processor - (hash.processor - echo.processor), 1.5, " ms");
        bound("peak memory", measured.peak, 48.0, " MiB");
    }
    lines
}
