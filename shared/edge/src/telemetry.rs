//! Log lines: one JSON object a line on standard output, ours at the configured level, everybody else's from WARN up.
//!
//! `RUST_LOG` is ignored on purpose: at TRACE the runtime prints whole events and the SDK whole requests.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use palisade_core::Timestamp;
use palisade_core::event::{Event, EventKind, Severity, Target};
use palisade_core::settings::{LogLevel, Settings};
use serde_json::{Map, Value, json};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::request::HttpRequest;

/// What the log says of a request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    request_id: String,
    method: String,
    path: String,
}

impl Seen {
    /// Of a call that holds no request yet: the runtime's id.
    pub(crate) fn nothing_of(runtime_id: &str) -> Self {
        Self { request_id: runtime_id.to_owned(), method: String::new(), path: String::new() }
    }

    /// Of `request`: its id, method and path.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self {
            request_id: request.request_id.clone(),
            method: request.method.to_string(),
            path: request.path.chars().take(256).collect(),
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }
}

/// Writes `events` of a call that is no HTTP request of ours, one line each.
pub fn emit_of(request_id: &str, method: &str, path: &str, events: Vec<Event>) {
    let path = path.chars().take(256).collect();
    emit(&Seen { request_id: request_id.to_owned(), method: method.to_owned(), path }, events);
}

/// Writes `events` of the request `seen`, one line each.
pub(crate) fn emit(seen: &Seen, events: Vec<Event>) {
    remind();
    for event in events {
        write(&event, Some(seen));
    }
}

fn write(event: &Event, seen: Option<&Seen>) {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
        return;
    };
    let severity = event.event.severity();
    fields.extend(serde_json::to_value(severity).ok().map(|severity| ("severity".to_owned(), severity)));
    if let Some(seen) = seen {
        let of_request = [("request_id", &seen.request_id), ("method", &seen.method), ("path", &seen.path)];
        fields.extend(of_request.map(|(name, value)| (name.to_owned(), Value::from(value.as_str()))));
        // A request is decided once, and its answer names it: whoever is refused can say which decision it was.
        if event.decision.is_some() {
            fields.insert("decision_id".to_owned(), Value::from(seen.request_id.as_str()));
        }
    }
    fields.extend(metrics(event.event));
    let line = Value::Object(fields);
    match (event.event.target(), severity) {
        (Target::Security, Severity::Info) => tracing::info!(target: "security", %line),
        (Target::Security, Severity::Warning) => tracing::warn!(target: "security", %line),
        (Target::Security, Severity::Error | Severity::Critical) => tracing::error!(target: "security", %line),
        (Target::AuthAudit, Severity::Info) => tracing::info!(target: "auth_audit", %line),
        (Target::AuthAudit, Severity::Warning) => tracing::warn!(target: "auth_audit", %line),
        (Target::AuthAudit, Severity::Error | Severity::Critical) => tracing::error!(target: "auth_audit", %line),
    }
}

/// What `CloudWatch` counts of an event, in its embedded metric format: no call, no permission, only members of the line. `Events` has the
/// event's name as its dimension and counts everything from a warning up; what is ordinary would only cost.
fn metrics(event: EventKind) -> Vec<(String, Value)> {
    let mut described = Vec::new();
    let mut counted = Vec::new();
    let mut count = |name: &str, dimensions: Value| {
        let metric = json!([{ "Name": name, "Unit": "Count" }]);
        described.push(json!({ "Namespace": "Palisade", "Dimensions": [dimensions], "Metrics": metric }));
        counted.push((name.to_owned(), Value::from(1)));
    };
    if event.severity() > Severity::Info {
        count("Events", json!(["event"]));
    }
    if matches!(event, EventKind::LimitMonitored | EventKind::LimitsNotEnforced) {
        count("LimitsMonitored", json!([]));
    }
    if !described.is_empty() {
        counted.push(("_aws".to_owned(), json!({ "Timestamp": now().millis(), "CloudWatchMetrics": described })));
    }
    counted
}

/// Installs the log of a deployed function: JSON on standard output, and a panic hook that tells the place only.
pub fn install(level: LogLevel) {
    let subscriber = tracing_subscriber::registry().with(lines(level, std::io::stdout(), json));
    // Only fails when one is installed already, as in tests.
    drop(tracing::subscriber::set_global_default(subscriber));
    hide_panics();
}

/// The minute in which it was last said that limits do not refuse; zero where they do.
static SAID_IN: AtomicI64 = AtomicI64::new(0);

/// Says at every start what should not stay so for long, limits that do not refuse, and again in every minute with a request.
pub fn announce(settings: &Settings) {
    if !settings.policy.enforced {
        say_not_enforced(this_minute());
    }
}

fn say_not_enforced(minute: i64) {
    SAID_IN.store(minute, Ordering::Relaxed);
    write(&Event::new(EventKind::LimitsNotEnforced).reason("PALISADE_LIMITS=monitor"), None);
}

fn remind() {
    if is_due(SAID_IN.load(Ordering::Relaxed), this_minute()) {
        say_not_enforced(this_minute());
    }
}

fn is_due(said_in: i64, minute: i64) -> bool {
    said_in != 0 && said_in != minute
}

fn this_minute() -> i64 {
    now().seconds() / 60
}

/// From here on a panic is one event with the place; its message, which can hold anything, is dropped.
pub fn hide_panics() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
        write(&Event::new(EventKind::HandlerPanicked).reason(place), None);
    }));
}

/// A layer that writes lines to `out`: ours from `level` up, all security events, everything else from WARN up.
pub fn lines<S: Subscriber + for<'span> LookupSpan<'span>>(
    level: LogLevel,
    out: impl Write + Send + 'static,
    render: fn(&Map<String, Value>) -> String,
) -> impl Layer<S> {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        // Tells of every call that ends as an error, which is how a REST API is refused: anybody could fill the log with errors.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_target("palisade", ours)
        .with_target(Target::Security.as_str(), LevelFilter::INFO)
        .with_target(Target::AuthAudit.as_str(), LevelFilter::INFO);
    Lines { out: Mutex::new(out), render }.with_filter(targets)
}

/// A line as JSON.
pub fn json(fields: &Map<String, Value>) -> String {
    serde_json::to_string(fields).unwrap_or_default()
}

struct Lines<W> {
    out: Mutex<W>,
    render: fn(&Map<String, Value>) -> String,
}

impl<S: Subscriber, W: Write + Send + 'static> Layer<S> for Lines<W> {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields(Map::new());
        fields.0.insert("timestamp".to_owned(), Value::from(now().to_string()));
        fields.0.insert("level".to_owned(), Value::from(metadata.level().as_str()));
        fields.0.insert("target".to_owned(), Value::from(metadata.target()));
        event.record(&mut fields);
        fields.unfold_line();
        let mut line = (self.render)(&fields.0);
        line.push('\n');
        // A panic while the lock was held must not silence the log.
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a log line carries the real time, whatever the domain's clock says")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::EPOCH.plus(since.unwrap_or_default())
}

struct Fields(Map<String, Value>);

impl Fields {
    /// A security event comes as one field, a JSON object: its members become the line's.
    fn unfold_line(&mut self) {
        if let Some(Value::String(line)) = self.0.get("line")
            && let Ok(Value::Object(members)) = serde_json::from_str(line)
        {
            self.0.remove("line");
            self.0.extend(members);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r43_whatever_is_louder_than_ordinary_is_counted_under_its_name() {
        for kind in EventKind::ALL.iter().copied() {
            let members: Map<String, Value> = metrics(kind).into_iter().collect();
            let is_counted = members.get("Events") == Some(&json!(1));
            assert_eq!(is_counted, kind.severity() > Severity::Info, "{kind:?}");
            let described = members.get("_aws").and_then(|aws| aws.pointer("/CloudWatchMetrics/0/Dimensions/0/0"));
            assert_eq!(described == Some(&json!("event")), is_counted, "{kind:?}");
        }
        let both: Map<String, Value> = metrics(EventKind::LimitMonitored).into_iter().collect();
        assert_eq!(both.get("LimitsMonitored"), Some(&json!(1)));
    }

    #[test]
    fn it_is_said_once_a_minute_and_never_where_limits_are_enforced() {
        assert!(!is_due(0, 7) && !is_due(7, 7) && is_due(7, 8));
    }
}
