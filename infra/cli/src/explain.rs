//! `palisade explain`: what decided a request, from the log.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::table::Table;

/// Reads the log at `path`, `-` for standard input, or the group of `CloudWatch` Logs, and explains the decision `id`.
///
/// # Errors
/// What could not be read, or that the log holds nothing of it.
pub(crate) fn explain(id: &str, path: Option<&Path>, group: Option<&str>) -> Result<String, String> {
    let text = match (path, group) {
        (Some(path), _) if path.as_os_str() == "-" => {
            std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string())?
        }
        (Some(path), _) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
        (None, Some(group)) => cloudwatch(id, group)?,
        (None, None) => return Err("there is no log".to_owned()),
    };
    let lines = lines(&text);
    let of_it = |line: &&Value| ["decision_id", "request_id"].iter().any(|name| line.get(name).and_then(Value::as_str) == Some(id));
    let found: Vec<&Value> = lines.iter().filter(of_it).collect();
    if found.is_empty() {
        return Err(format!("the log holds nothing of {id}"));
    }
    Ok(found.into_iter().map(told).collect::<Vec<_>>().join("\n\n"))
}

/// The events of `group` that hold `id`, by AWS's own command, which knows every way to sign in.
fn cloudwatch(id: &str, group: &str) -> Result<String, String> {
    // It stands between quotes in a filter pattern.
    if !id.chars().all(|one| one.is_ascii_alphanumeric() || "-_=+/".contains(one)) {
        return Err("that is no decision's id".to_owned());
    }
    let pattern = format!("\"{id}\"");
    let arguments = ["logs", "filter-log-events", "--output", "json", "--log-group-name", group, "--filter-pattern", &pattern];
    let output = Command::new("aws").args(arguments).output().map_err(|error| format!("the aws command: {error}"))?;
    if !output.status.success() {
        return Err(format!("the aws command: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// The events of a log: one JSON object a line, or the messages of what `aws logs` gave.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    if let Ok(Value::Object(whole)) = serde_json::from_str(text)
        && let Some(Value::Array(events)) = whole.get("events")
    {
        let messages = events.iter().filter_map(|event| event.get("message")?.as_str());
        return messages.filter_map(|message| serde_json::from_str(message).ok()).collect();
    }
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn told(line: &Value) -> String {
    let text = |name: &str| {
        line.get(name).and_then(Value::as_str).unwrap_or("–").chars().filter(|one| !one.is_control()).collect::<String>()
    };
    let mut told = vec![format!("{} {} {} ({})", text("timestamp"), text("method"), text("path"), text("event"))];
    for name in ["reason", "ip", "account", "account_id", "device", "user_agent"] {
        if line.get(name).is_some() {
            told.push(format!("{name}: {}", text(name)));
        }
    }
    if let Some(decision) = line.get("decision") {
        let of = |name: &str| decision.get(name).map(plain);
        let enforced = if decision.get("enforced") == Some(&Value::Bool(false)) { "only monitored" } else { "enforced" };
        told.push(format!("policy: {}, limits {enforced}", of("policy").unwrap_or_default()));
        for (name, label) in [("anomalies", "anomalies"), ("score", "score"), ("action", "action"), ("local_time", "local time")] {
            told.extend(of(name).map(|value| format!("{label}: {value}")));
        }
        told.push(rules(decision).to_string());
    }
    told.join("\n")
}

fn rules(decision: &Value) -> Table<4> {
    let mut table = Table::new(["rule", "count", "limit", "until"]);
    for rule in decision.get("rules").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| rule.get(name).map(plain).unwrap_or_default();
        let until = rule.get("until").and_then(Value::as_i64).filter(|until| *until > 0);
        let until = until.map_or_else(String::new, |until| palisade_core::Timestamp::from_seconds(until).to_string());
        table.row([of("rule"), of("count"), of("limit"), until]);
    }
    table
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
