//! Batches of a DynamoDB stream: records in, the numbers of those that are to come again out (partial batch responses).
//!
//! Each record is read by itself and leniently: what an image holds beside what is asked for does not matter, and one that cannot be read
//! spoils no other. Whatever happens inside, the stream is told that everything comes again unless it is done.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use palisade_core::event::{EventKind, Trail};
use palisade_core::incident::record::Told;
use palisade_core::incident::{IncidentKind, IncidentStatus, milestone};
use palisade_core::notice::NoticeKind;
use palisade_core::settings::{Settings, Table};
use palisade_core::stream::{Change, Record};
use serde_json::{Value, json};

use crate::serve::Outcome;
use crate::telemetry;

/// The names of the tables whose streams are read, and how long a batch may take.
#[derive(Debug)]
pub struct Streams {
    incidents: String,
    notices: String,
    deadline: Duration,
}

/// How long a batch may take: below the function's own 60 s, so that what was done is reported.
const DEADLINE: Duration = Duration::from_secs(50);

impl Streams {
    /// Of the tables that `settings` name.
    pub fn of(settings: &Settings) -> Self {
        let name = |table| settings.table(table).unwrap_or_default().to_owned();
        Self { incidents: name(Table::Incidents), notices: name(Table::Notices), deadline: DEADLINE }
    }

    /// The table whose stream `arn` names: `…:table/<name>/stream/<label>`.
    fn table(&self, arn: &str) -> Option<Table> {
        let name = arn.split_once(":table/")?.1.split('/').next()?;
        match name {
            name if name == self.incidents => Some(Table::Incidents),
            name if name == self.notices => Some(Table::Notices),
            _ => None,
        }
    }
}

/// The result for `event`: what `handle` could not do of the records in it. An event that is no batch is an error, so that it ends up where
/// failed events do.
pub async fn batch<F>(streams: &Streams, event: &str, runtime_id: &str, handle: F) -> Outcome
where
    F: AsyncFnOnce(Vec<Record>, &mut Trail) -> Vec<String>,
{
    let mut trail = Trail::default();
    let Some(records) = read(streams, event) else {
        return Outcome::Error("no batch of a stream");
    };
    let all: Vec<String> = records.iter().map(|record| record.sequence_number.clone()).collect();
    let work = AssertUnwindSafe(handle(records, &mut trail)).catch_unwind();
    let again = match tokio::time::timeout(streams.deadline, work).await {
        Ok(Ok(again)) => again,
        // The hook has told of a panic.
        Ok(Err(_)) => all,
        Err(_) => {
            trail.note(EventKind::DeadlineExceeded);
            all
        }
    };
    telemetry::emit_of(runtime_id, "", "", trail.into_events());
    // A number that is empty makes the whole batch come again, which is right where a record has none.
    let failures: Vec<Value> = again.iter().map(|number| json!({ "itemIdentifier": number })).collect();
    Outcome::Result(json!({ "batchItemFailures": failures }).to_string())
}

fn read(streams: &Streams, event: &str) -> Option<Vec<Record>> {
    let event: Value = serde_json::from_str(event).ok()?;
    Some(event.get("Records")?.as_array()?.iter().map(|record| of(streams, record)).collect())
}

fn of(streams: &Streams, record: &Value) -> Record {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str);
    let sequence_number = text("/dynamodb/SequenceNumber").unwrap_or_default().to_owned();
    let table = text("/eventSourceARN").and_then(|arn| streams.table(arn));
    let (image, old) = (record.pointer("/dynamodb/NewImage"), record.pointer("/dynamodb/OldImage"));
    let change = match (text("/eventName"), table, image) {
        (Some("REMOVE"), Some(_), _) => Some(Change::NoNews),
        (Some("INSERT" | "MODIFY"), Some(Table::Incidents), Some(image)) => incident(image, old),
        (Some("INSERT" | "MODIFY"), Some(Table::Notices), Some(image)) => notice(image, old),
        _ => None,
    };
    let change = change.unwrap_or_else(|| Change::Unreadable { table, content: without_passwords(record) });
    Record { sequence_number, change }
}

fn incident(image: &Value, old: Option<&Value>) -> Option<Change> {
    IncidentKind::parse(string(image, "type")?)?;
    IncidentStatus::parse(string(image, "status")?)?;
    let occurrences = number(image, "occurrences")?;
    let before = old.and_then(|old| number(old, "occurrences"));
    if milestone(before.unwrap_or(0)) >= milestone(occurrences) && !is_redriven(image, old) {
        return Some(Change::NoNews);
    }
    let told = Told { alerts: told(image, "told_alerts")?, webhook: told(image, "told_webhook")? };
    Some(Change::Incident { id: string(image, "incident_id")?.to_owned(), occurrences, told })
}

fn notice(image: &Value, old: Option<&Value>) -> Option<Change> {
    NoticeKind::parse(string(image, "kind")?)?;
    let void = image.pointer("/void/BOOL")?.as_bool()?;
    if old.is_some() && !is_redriven(image, old) {
        return Some(Change::NoNews);
    }
    Some(Change::Notice { id: string(image, "notice_id")?.to_owned(), void, told: told(image, "told_topic")? > 0 })
}

/// Whether an operator put it on the stream once more.
fn is_redriven(image: &Value, old: Option<&Value>) -> bool {
    let at = image.get("redriven_at");
    at.is_some() && old.and_then(|old| old.get("redriven_at")) != at
}

/// A mark that is missing is zero; one that is no number is unreadable.
fn told(image: &Value, name: &str) -> Option<u64> {
    if image.get(name).is_none() { Some(0) } else { number(image, name) }
}

fn string<'a>(image: &'a Value, name: &str) -> Option<&'a str> {
    image.get(name)?.get("S")?.as_str()
}

fn number(image: &Value, name: &str) -> Option<u64> {
    image.get(name)?.get("N")?.as_str()?.parse().ok()
}

/// The record as text, with nothing under the name of a stored password.
fn without_passwords(record: &Value) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| name != "password");
                members.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut record = record.clone();
    strip(&mut record);
    record.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn streams() -> Streams {
        Streams { incidents: "incidents".into(), notices: "notices".into(), deadline: DEADLINE }
    }

    fn record(table: &str, name: &str, image: &Value) -> Value {
        let arn = format!("arn:aws:dynamodb:eu-central-1:123456789012:table/{table}/stream/2026-11-24T00:00:00.000");
        json!({ "eventName": name, "eventSourceARN": arn, "dynamodb": { "SequenceNumber": "7", "NewImage": image } })
    }

    fn image() -> Value {
        json!({
            "incident_id": { "S": ID }, "type": { "S": "brute_force" }, "status": { "S": "open" },
            "occurrences": { "N": "12" }, "told_alerts": { "N": "1" }, "more": { "L": [] },
        })
    }

    #[test]
    fn a_record_says_what_changed_and_what_was_told() {
        let read = of(&streams(), &record("incidents", "MODIFY", &image()));
        assert_eq!(read.change, Change::Incident { id: ID.into(), occurrences: 12, told: Told { alerts: 1, webhook: 0 } });
        let notice = json!({ "notice_id": { "S": ID }, "kind": { "S": "reset_password" }, "void": { "BOOL": true } });
        let read = of(&streams(), &record("notices", "INSERT", &notice));
        assert_eq!(read.change, Change::Notice { id: ID.into(), void: true, told: false });
    }

    #[test]
    fn al09_what_was_removed_is_nothing_to_tell() {
        let mut removed = record("incidents", "REMOVE", &image());
        removed["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
        assert_eq!(of(&streams(), &removed).change, Change::NoNews);
    }

    #[test]
    fn marks_actions_and_occurrences_below_a_milestone_are_no_news_and_a_redrive_is() {
        let changed = |old: Value, new: Value| {
            let mut record = record("incidents", "MODIFY", &new);
            record["dynamodb"]["OldImage"] = old;
            of(&streams(), &record).change
        };
        let with = |name: &str, value: Value| {
            let mut image = image();
            image[name] = value;
            image
        };
        for new in [with("telling_until_alerts", json!({ "N": "1" })), with("told_webhook", json!({ "N": "10" })), image()] {
            assert_eq!(changed(image(), new), Change::NoNews);
        }
        assert_eq!(changed(image(), with("occurrences", json!({ "N": "99" }))), Change::NoNews);
        for new in [with("occurrences", json!({ "N": "100" })), with("redriven_at", json!({ "N": "1" }))] {
            assert!(matches!(changed(image(), new.clone()), Change::Incident { .. }), "{new}");
        }
        let again = with("redriven_at", json!({ "N": "1" }));
        assert_eq!(changed(again.clone(), again), Change::NoNews);
    }

    #[test]
    fn al06_what_cannot_be_read_keeps_its_content_and_no_password() {
        let mut wrong = image();
        wrong["occurrences"] = json!({ "S": "many" });
        wrong["password"] = json!({ "S": "argon2-canary" });
        let records = [
            record("incidents", "INSERT", &wrong),
            record("elsewhere", "INSERT", &image()),
            record("incidents", "INSERT", &json!({ "incident_id": { "S": ID }, "type": { "S": "new_kind" } })),
            json!("a string"),
            json!({ "dynamodb": { "NewImage": { "password": { "S": "canary" } } } }),
        ];
        for bad in records {
            let Change::Unreadable { content, .. } = of(&streams(), &bad).change else {
                panic!("{bad}");
            };
            assert!(!content.is_empty() && !content.contains("canary"), "{content}");
        }
    }

    #[tokio::test]
    async fn a_panic_lets_everything_come_again_and_no_batch_is_an_error() {
        std::panic::set_hook(Box::new(|_| {}));
        let event = json!({ "Records": [record("incidents", "INSERT", &image())] }).to_string();
        let outcome = batch(&streams(), &event, "id", async |_, _| panic!("canary")).await;
        assert_eq!(outcome, Outcome::Result(r#"{"batchItemFailures":[{"itemIdentifier":"7"}]}"#.into()));
        for bad in ["", "{}", "[]", r#"{"Records":{}}"#] {
            assert_eq!(batch(&streams(), bad, "id", async |_, _| Vec::new()).await, Outcome::Error("no batch of a stream"));
        }
    }
}
