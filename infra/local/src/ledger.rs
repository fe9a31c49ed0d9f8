//! Counts what each request did: store calls, their units, how many had to wait for one another, and password hashes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

tokio::task_local! {
    static REQUEST: Arc<Running>;
}

/// One store call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// The table's word.
    pub table: String,
    /// Such as `GetItem`.
    pub operation: String,
    /// Read units; 0 for writes.
    pub read_units: f64,
    /// Write units; 0 for reads.
    pub write_units: f64,
    /// Whether the request asked for a consistent read.
    pub consistent: bool,
    /// Its place in the order in which the request's calls began and ended.
    pub start: u32,
    /// The same for its end; `None` when it never came.
    pub end: Option<u32>,
}

/// What one request did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Which function.
    pub function: String,
    /// The most calls of which none overlaps another: round trips one after the other.
    pub depth: usize,
    /// Password hashes run.
    pub hashes: u32,
    /// The calls, by their start.
    pub calls: Vec<Call>,
}

impl Entry {
    /// Read units of all calls.
    pub fn read_units(&self) -> f64 {
        self.calls.iter().map(|call| call.read_units).sum()
    }

    /// Write units of all calls.
    pub fn write_units(&self) -> f64 {
        self.calls.iter().map(|call| call.write_units).sum()
    }

    /// Table, operation and units of each call, sorted: equal for two requests that did the same work.
    pub fn vector(&self) -> Vec<String> {
        let mut vector: Vec<String> = self
            .calls
            .iter()
            .map(|call| format!("{} {} {}R {}W {}", call.table, call.operation, call.read_units, call.write_units, call.consistent))
            .collect();
        vector.sort();
        vector
    }
}

/// A request under way.
#[derive(Debug)]
struct Running {
    function: &'static str,
    hashes: AtomicU32,
    sequence: AtomicU32,
    calls: Mutex<Vec<Call>>,
}

/// A call under way, of a request or of none.
pub(crate) struct Open(Option<(Arc<Running>, usize)>);

/// How many of the latest requests are kept at least.
const KEPT: usize = 10_000;

/// The latest requests' entries. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Vec<Entry>>>);

impl Ledger {
    /// Runs `request` of `function` and keeps its entry, also when it is dropped half-way.
    pub(crate) async fn of<T>(&self, function: &'static str, request: impl Future<Output = T>) -> T {
        let running = Arc::new(Running { function, hashes: 0.into(), sequence: 0.into(), calls: Mutex::default() });
        let _closing = Closing { ledger: self.clone(), running: Arc::clone(&running) };
        REQUEST.scope(running, request).await
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Closing {
    ledger: Ledger,
    running: Arc<Running>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let calls = self.running.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut entries = self.ledger.lock();
        if entries.len() >= 2 * KEPT {
            entries.drain(..KEPT);
        }
        entries.push(Entry {
            function: self.running.function.to_owned(),
            depth: depth(&calls),
            hashes: self.running.hashes.load(Ordering::SeqCst),
            calls,
        });
    }
}

/// Notes `runs` hashes of the request under way.
pub(crate) fn hashed(runs: u32) {
    // Outside a request there is nothing to count for.
    let _counted = REQUEST.try_with(|running| running.hashes.fetch_add(runs, Ordering::SeqCst));
}

/// The function whose request is under way; `None` outside of one.
pub(crate) fn function() -> Option<&'static str> {
    REQUEST.try_with(|running| running.function).ok()
}

/// Notes that a call begins.
pub(crate) fn begin(table: &str, operation: &str, consistent: bool) -> Open {
    let opened = REQUEST.try_with(|running| {
        let start = running.sequence.fetch_add(1, Ordering::SeqCst);
        let mut calls = running.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(Call {
            table: table.to_owned(),
            operation: operation.to_owned(),
            read_units: 0.0,
            write_units: 0.0,
            consistent,
            start,
            end: None,
        });
        (Arc::clone(running), calls.len() - 1)
    });
    Open(opened.ok())
}

impl Open {
    /// Notes that it ended, and what it cost.
    pub(crate) fn end(self, read_units: f64, write_units: f64) {
        let Some((running, place)) = self.0 else { return };
        let end = running.sequence.fetch_add(1, Ordering::SeqCst);
        let mut calls = running.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(call) = calls.get_mut(place) {
            (call.read_units, call.write_units, call.end) = (read_units, write_units, Some(end));
        }
    }
}

/// The most calls of which none overlaps another: always take the one that ends first.
fn depth(calls: &[Call]) -> usize {
    let mut spans: Vec<(u32, u32)> = calls.iter().map(|call| (call.end.unwrap_or(u32::MAX), call.start)).collect();
    spans.sort_unstable();
    let mut depth = 0;
    let mut free_from = 0;
    for (end, start) in spans {
        if start >= free_from {
            depth += 1;
            free_from = end;
        }
    }
    depth
}
