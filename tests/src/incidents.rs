//! Incidents without the long way to them, and the batches of a stream.

use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_edge::Outcome;
use palisade_local::AttributeValue;
use serde_json::{Value, json};

use crate::world::World;

impl World {
    /// The id of an incident of `kind` on `subject` now, made as the functions make one, that has happened this often.
    pub async fn open_incident(&self, kind: IncidentKind, subject: &str, occurrences: u64) -> String {
        let now = self.stack().clock().expect("a manual clock").now();
        let id = Occurrence::of(subject, kind, "made_up", "192.0.2.7".into(), now).incident_id();
        let (severity, id) = (kind.severity().as_str(), id.as_str().to_owned());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: &dyn ToString| AttributeValue::N(number.to_string());
        let item = [
            ("incident_id", text(&id)),
            ("type", text(kind.as_str())),
            ("severity", text(severity)),
            ("status", text("open")),
            ("status_severity", text(&format!("open#{severity}"))),
            ("subject", text(subject)),
            ("reason", text("made_up")),
            ("ip", text("192.0.2.7")),
            ("created_at", number(&now.millis())),
            ("updated_at", number(&now.millis())),
            ("last_occurred_at", number(&now.millis())),
            ("listed_at", text(&format!("{:015}#{id}", now.millis()))),
            ("version", number(&0)),
            ("occurrences", number(&occurrences)),
        ];
        let item = item.map(|(name, value)| (name.to_owned(), value)).into();
        let put = self.stack().client().put_item().table_name(format!("{}incidents", self.stack().table_prefix()));
        put.set_item(Some(item)).send().await.expect("the incident is written");
        id
    }

    /// Says that the incident happened this often by now.
    pub async fn happened(&self, id: &str, occurrences: u64) {
        self.edit("incidents", &[("incident_id", id)], "occurrences", Some(AttributeValue::N(occurrences.to_string()))).await;
    }

    /// The stored incident.
    pub async fn incident(&self, id: &str) -> std::collections::HashMap<String, Value> {
        let items = self.items("incidents").await;
        items.into_iter().find(|item| item["incident_id"] == id).expect("the incident is there")
    }

    /// A stream's record that says that the incident `id` happened this often.
    pub fn incident_record(&self, id: &str, occurrences: u64, number: usize) -> Value {
        let image = json!({
            "incident_id": { "S": id }, "type": { "S": "brute_force" }, "status": { "S": "open" },
            "occurrences": { "N": occurrences.to_string() },
        });
        self.record("incidents", "MODIFY", &image, number)
    }

    /// A stream's record of `table` with this image.
    pub fn record(&self, table: &str, name: &str, image: &Value, number: usize) -> Value {
        let prefix = self.stack().table_prefix();
        let arn = format!("arn:aws:dynamodb:eu-central-1:000000000000:table/{prefix}{table}/stream/2033-05-18T03:00:00.000");
        let change = json!({ "SequenceNumber": number.to_string(), "NewImage": image, "StreamViewType": "NEW_AND_OLD_IMAGES" });
        json!({ "eventID": number.to_string(), "eventName": name, "eventSource": "aws:dynamodb", "eventSourceARN": arn, "dynamodb": change })
    }

    /// The sequence numbers that the fan-out wants again of this batch.
    pub async fn fan_out(&self, records: &[Value]) -> Vec<String> {
        let answer = match self.stack().fan_out(&json!({ "Records": records }).to_string()).await {
            Outcome::Result(answer) => serde_json::from_str::<Value>(&answer).expect("JSON"),
            Outcome::Error(error) => panic!("the fan-out failed: {error}"),
        };
        let failures = answer["batchItemFailures"].as_array().expect("a list");
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("a number").to_owned()).collect()
    }
}
