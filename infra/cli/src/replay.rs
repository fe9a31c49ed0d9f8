//! `palisade replay` and `palisade scenario`: recorded logins under another policy.

pub mod attempt;
pub mod comparison;
pub mod plot;
pub mod scenario;
pub mod simulation;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use indicatif::ProgressBar;
use ipnet::IpNet;
use palisade_core::{Policy, Settings};

use crate::table::Table;
use attempt::Attempt;
use comparison::{Comparison, Side};
use scenario::Scenario;
use simulation::Simulation;

/// A line of a log longer than this is none of ours.
const LONGEST_LINE: u64 = 64 * 1024;

/// Another policy, and whom it spares.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The policy.
    pub policy: Policy,
    /// Networks that the limits per address do not refuse.
    pub allowlist: Vec<IpNet>,
}

impl From<Policy> for Candidate {
    fn from(policy: Policy) -> Self {
        Self { policy, allowlist: Vec::new() }
    }
}

/// The policy in a candidate file: `name = value` for each setting, in small letters and without `PALISADE_`.
///
/// # Errors
/// What is wrong with the file, without its values.
pub fn candidate(text: &str) -> Result<Candidate, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| format!("not TOML: {}", error.message()))?;
    let (mut pairs, mut allowlist) = (Vec::new(), Vec::new());
    for (name, value) in table {
        if name == "ip_allowlist" {
            let networks = value.as_str().unwrap_or_default().split(',').map(|one| crate::arguments::network(one.trim()));
            allowlist = networks.collect::<Result<_, _>>().map_err(|why| format!("{name} {why}"))?;
            continue;
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(word) => word.to_string(),
            _ => return Err(format!("{name} must be a number, a word or true or false")),
        };
        pairs.push((format!("PALISADE_{}", name.to_uppercase()), value));
    }
    Ok(Candidate { policy: Settings::policy_of(pairs).map_err(|error| error.to_string())?, allowlist })
}

/// Plays every attempt of `log` under `candidate`; `bar` follows the bytes.
///
/// # Errors
/// What could not be read.
pub fn compare(log: impl BufRead, candidate: &Candidate, bar: &ProgressBar) -> Result<Comparison, String> {
    let mut simulation = Simulation::new(&candidate.policy, &candidate.allowlist);
    let mut comparison = Comparison::default();
    let (mut log, mut line) = (log, Vec::new());
    loop {
        line.clear();
        let read = std::io::Read::take(&mut log, LONGEST_LINE).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        if read == 0 {
            break;
        }
        bar.inc(u64::try_from(read).unwrap_or(0));
        let Some(attempt) = std::str::from_utf8(&line).ok().and_then(Attempt::parse) else { continue };
        let past_names = simulation.is_past_names(&attempt);
        let played = simulation.play(&attempt);
        comparison.add(&attempt, played, past_names);
    }
    comparison.finish();
    Ok(comparison)
}

pub(crate) fn replay(log: &Path, policy: &Path, plot_to: Option<&Path>) -> Result<String, String> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let candidate = candidate(&read(policy)?)?;
    let file = File::open(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let bar = ProgressBar::new(file.metadata().map_or(0, |metadata| metadata.len()));
    let comparison = compare(BufReader::new(file), &candidate, &bar)?;
    bar.finish_and_clear();
    if comparison.attempts == 0 {
        return Err("the log holds no login".to_owned());
    }
    if let Some(path) = plot_to {
        std::fs::write(path, plot::svg(&comparison.series)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(report(&comparison))
}

pub(crate) fn make(scenario: Scenario, policy: Option<&Path>, size: Option<u32>, seed: u64, to: &Path) -> Result<String, String> {
    let policy = match policy {
        None => Policy::seed(),
        Some(path) => candidate(&std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?)?.policy,
    };
    let failed = |error: std::io::Error| format!("{}: {error}", to.display());
    let mut file = BufWriter::new(File::create(to).map_err(failed)?);
    let (mut attempts, mut written) = (0_u64, Ok(()));
    scenario::play(scenario, &policy, size.unwrap_or(scenario.usual_size()), seed, |attempt| {
        attempts += 1;
        if written.is_ok() {
            written = writeln!(file, "{}", attempt.line());
        }
    });
    written.and_then(|()| file.flush()).map_err(failed)?;
    Ok(format!("{attempts} attempts in {}", to.display()))
}

/// The difference as a table.
pub fn report(comparison: &Comparison) -> String {
    let mut table: Table<4> = Table::new(["", "today", "candidate", "difference"]);
    let mut row = |name: &str, of: &dyn Fn(&Side) -> u64| {
        let (today, candidate) = (of(&comparison.today), of(&comparison.candidate));
        let difference = i128::from(candidate) - i128::from(today);
        table.row([name.to_owned(), today.to_string(), candidate.to_string(), format!("{difference:+}")]);
    };
    row("passwords tried", &|side| side.tried);
    row("refused", &|side| side.refused);
    row("refused, and their owners'", &|side| side.refused_owners);
    row("refused, from known devices", &|side| side.refused_known_devices);
    row("of the attack, refused", &|side| side.stopped);
    row("of the attack, let in", &|side| side.broken_in);
    row("hashes", &|side| side.cost.hashes);
    row("DynamoDB read units", &|side| side.cost.reads);
    row("DynamoDB write units", &|side| side.cost.writes);
    let share = |stopped: u64| (stopped * 100).checked_div(comparison.attack).unwrap_or(0);
    let (today, candidate) = (share(comparison.today.stopped), share(comparison.candidate.stopped));
    let mut text = vec![
        format!(
            "{} attempts, {} of them an attack's: {today} % stopped today, {candidate} % under the candidate",
            comparison.attempts, comparison.attack
        ),
        table.to_string(),
    ];
    let reasons: Vec<String> = comparison.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    text.push(format!("refused by the candidate: {}", if reasons.is_empty() { "nobody".to_owned() } else { reasons.join(", ") }));
    let newly = comparison.newly_refused();
    if !newly.is_empty() {
        let names: Vec<String> = newly.iter().map(|(account, count)| format!("{account} ({count})")).collect();
        text.push(format!("refused by the candidate alone: {}", names.join(", ")));
    }
    text.join("\n")
}

#[cfg(test)]
#[path = "replay/tests.rs"]
mod tests;
