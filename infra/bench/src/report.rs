//! Tables and bounds.

use std::io::{self, Write};
use std::path::Path;

use crate::measured::{COLUMNS, Measured};
use crate::{ECHO, HASH};

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

/// What is promised, and how it stands: each line with its measure and its bound.
pub(crate) fn bounds(all: &[Measured]) -> String {
    let row = |flow: &str| all.iter().find(|measured| measured.flow == flow);
    let (Some(echo), Some(hash)) = (row(ECHO), row(HASH)) else { return String::new() };
    let one_hash = hash.processor - echo.processor;
    let mut lines = vec![format!("one hash: {one_hash:.2} ms of processor time")];
    let mut bound = |what: &str, measure: f64, most: f64, unit: &str| {
        let verdict = if measure <= most { "holds" } else { "DOES NOT HOLD" };
        lines.push(format!("{what}: {measure:.2}{unit}, at most {most}{unit}: {verdict}"));
    };
    for measured in all.iter().filter(|measured| measured.flow != ECHO && measured.flow != HASH) {
        bound(&format!("init of {} ({})", measured.function, measured.flow), measured.init / echo.init, 3.0, " times the echo's");
    }
    if let Some(login) = row("login") {
        bound("login's first answer", login.first / hash.first, 1.5, " times echo and hash");
        bound("login's processor time without the hash", login.processor - one_hash, 1.5, " ms");
        bound("login's peak memory", login.peak, 48.0, " MiB");
    }
    lines.join("\n")
}
