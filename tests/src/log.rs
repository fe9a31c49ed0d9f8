//! Everything this process logs, captured once for all tests.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use palisade_core::settings::LogLevel;
use palisade_edge::telemetry;
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Captured;

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures from here on, at TRACE, through the filter that deployed functions use.
pub fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = telemetry::lines(LogLevel::Trace, Captured, telemetry::json);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).expect("the first subscriber");
    });
}

/// All that was logged so far.
pub fn text() -> String {
    String::from_utf8(LINES.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("log lines are UTF-8")
}

/// The lines that contain `marker`, each of which must be one JSON object.
pub fn lines_with(marker: &str) -> Vec<Value> {
    let text = text();
    text.lines().filter(|line| line.contains(marker)).map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}
