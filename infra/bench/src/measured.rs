//! What comes of many processes: one line of the table.

use std::time::Duration;

use crate::process::Life;

/// One runtime under one kind of request. Times are milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// What it was asked.
    pub(crate) flow: String,
    /// Who answered.
    pub(crate) function: String,
    /// From process start to the first request for work, median of the processes.
    pub(crate) init: f64,
    /// The first answer, median of the processes.
    pub(crate) first: f64,
    /// A warm answer, median.
    pub(crate) median: f64,
    /// The 99th percentile of the warm ones.
    pub(crate) p99: f64,
    /// Processor time of a warm call.
    pub(crate) processor: f64,
    /// Resident memory, the most of all processes, in MiB.
    pub(crate) peak: f64,
    /// Log of a warm call, in bytes.
    pub(crate) log: f64,
}

/// The names of the columns, as in the CSV.
pub(crate) const COLUMNS: [&str; 9] =
    ["flow", "function", "init_ms", "first_ms", "median_ms", "p99_ms", "processor_ms", "peak_mib", "log_bytes"];

impl Measured {
    /// Of all `lives`.
    pub(crate) fn of(flow: &str, function: &str, lives: &[Life]) -> Self {
        let mut warm: Vec<f64> = lives.iter().flat_map(|life| life.warm.iter().copied().map(millis)).collect();
        warm.sort_unstable_by(f64::total_cmp);
        let calls = f64::from(u32::try_from(warm.len().max(1)).unwrap_or(u32::MAX));
        let each = |of: fn(&Life) -> f64| percentile(&sorted(lives.iter().map(of)), 50);
        let sum = |of: fn(&Life) -> f64| lives.iter().map(of).sum::<f64>() / calls;
        Self {
            flow: flow.to_owned(),
            function: function.to_owned(),
            init: each(|life| millis(life.init)),
            first: each(|life| millis(life.first)),
            median: percentile(&warm, 50),
            p99: percentile(&warm, 99),
            processor: sum(|life| millis(life.processor)),
            peak: lives.iter().map(|life| bytes(life.peak) / 1_048_576.0).fold(0.0, f64::max),
            log: sum(|life| bytes(life.printed)),
        }
    }

    /// Its cells, in the order of [`COLUMNS`].
    pub(crate) fn cells(&self) -> [String; 9] {
        [
            self.flow.clone(),
            self.function.clone(),
            format!("{:.2}", self.init),
            format!("{:.2}", self.first),
            format!("{:.2}", self.median),
            format!("{:.2}", self.p99),
            format!("{:.2}", self.processor),
            format!("{:.1}", self.peak),
            format!("{:.0}", self.log),
        ]
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn bytes(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The smallest value that so many of a hundred do not exceed; 0 of none.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}
