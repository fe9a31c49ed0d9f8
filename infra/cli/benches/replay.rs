//! How fast a log is replayed, and in how much memory: `cargo bench --bench replay`.
//!
//! A million attempts of credential stuffing, a new name each, over a hundred hours, under both policies, beside reading the same lines as
//! JSON and nothing else. One core; memory is the most that the process ever held, by Linux's count.
#![allow(missing_docs, reason = "a benchmark has no readers of its API")]
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::disallowed_methods, reason = "a benchmark measures and tells")]

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use palisade::replay::compare;
use palisade::replay::scenario::{Scenario, play};
use palisade_core::Policy;

const ATTEMPTS: u32 = 1_000_000;

fn log(attempts: u32) -> PathBuf {
    let path = std::env::temp_dir().join(format!("palisade-replay-{attempts}.jsonl"));
    let mut file = BufWriter::new(File::create(&path).unwrap());
    play(Scenario::Stuffing, &Policy::seed(), attempts, 1, |attempt| writeln!(file, "{}", attempt.line()).unwrap());
    file.flush().unwrap();
    path
}

fn open(path: &Path) -> (BufReader<File>, ProgressBar) {
    let file = File::open(path).unwrap();
    let bar = ProgressBar::new(file.metadata().unwrap().len());
    (BufReader::new(file), bar)
}

fn replayed(path: &Path, attempts: u32, policy: Policy) -> Duration {
    let (log, bar) = open(path);
    let start = Instant::now();
    let comparison = compare(log, &policy.into(), &bar).unwrap();
    bar.finish_and_clear();
    assert_eq!(comparison.attempts, u64::from(attempts));
    start.elapsed()
}

fn only_read(path: &Path) -> Duration {
    let (log, bar) = open(path);
    let start = Instant::now();
    for line in log.lines() {
        let line = line.unwrap();
        bar.inc(u64::try_from(line.len()).unwrap());
        std::hint::black_box(serde_json::from_str::<serde_json::Value>(&line).unwrap());
    }
    bar.finish_and_clear();
    start.elapsed()
}

/// The most memory so far.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |size| size.trim().to_owned())
}

fn main() {
    let (tenth, whole) = (log(ATTEMPTS / 10), log(ATTEMPTS));
    println!("written; at most {} of memory", peak());
    let mut time = Duration::ZERO;
    for (name, policy) in [("seed", Policy::seed()), ("nist", Policy::nist())] {
        println!("{name}, a tenth: {:?}; at most {}", replayed(&tenth, ATTEMPTS / 10, policy.clone()), peak());
        time = replayed(&whole, ATTEMPTS, policy);
        println!("{name}, a million: {time:?}; at most {}", peak());
    }
    let floor = only_read(&whole);
    println!("only read as JSON: {floor:?}; the replay takes {:.2} times that", time.as_secs_f64() / floor.as_secs_f64());
    for path in [tenth, whole] {
        std::fs::remove_file(path).unwrap();
    }
}
