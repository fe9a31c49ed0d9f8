//! The streams of incidents and notices into the fan-out, and the notices topic into the mailer, as Lambda's event sources do it: batches of
//! at most a hundred, partial batch responses, a few tries, and then a list of what was given up, which holds no content.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use palisade_core::settings::Table;
use palisade_edge::Outcome;
use reqwest::Client;
use serde::Serialize;
use serde_json::{Value, json};

use crate::shared::Shared;
use crate::sns::Published;
use crate::stack::StackError;

/// The largest batch: what a mapping takes by default.
const BATCH: usize = 100;

/// How often a batch is tried: the first time and twice more.
const TRIES: usize = 3;

/// How often the streams are read.
const EVERY: Duration = Duration::from_millis(300);

/// Something that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Where it came from: a table's word, or `notices topic`.
    pub source: String,
    /// Its number there.
    pub id: String,
}

/// Reads the streams.
pub(crate) struct Pump {
    http: Client,
    dynamodb: String,
    table_prefix: String,
    /// Where each shard was read to, and how many published messages the mailer saw.
    state: tokio::sync::Mutex<State>,
    dead: Mutex<Vec<DeadLetter>>,
}

#[derive(Default)]
struct State {
    iterators: BTreeMap<(Table, String), Option<String>>,
    mailed: usize,
}

/// Reads the streams until the stack is gone.
pub(crate) async fn keep_running(shared: Weak<Shared>) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if let Err(error) = shared.pump().await {
            tracing::warn!(target: "palisade_local", %error, "the streams cannot be read");
        }
    }
}

impl Pump {
    pub(crate) fn new(dynamodb: &str, table_prefix: &str) -> Result<Self, StackError> {
        palisade_cloud::hibp::install_tls();
        let http = Client::builder().no_proxy().build().map_err(|error| StackError::new("no HTTP client", &error))?;
        let (dynamodb, table_prefix) = (dynamodb.to_owned(), table_prefix.to_owned());
        Ok(Self { http, dynamodb, table_prefix, state: tokio::sync::Mutex::default(), dead: Mutex::default() })
    }

    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn give_up(&self, source: &str, ids: impl IntoIterator<Item = String>) {
        let letters = ids.into_iter().map(|id| DeadLetter { source: source.to_owned(), id });
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).extend(letters);
    }

    /// Reads until nothing is left: marks make records of their own.
    pub(crate) async fn run(&self, shared: &Shared) -> Result<(), StackError> {
        let mut state = self.state.lock().await;
        loop {
            let mut read = 0;
            for table in [Table::Incidents, Table::Notices] {
                read += self.run_table(&mut state, table, shared).await?;
            }
            read += self.run_mailer(&mut state, shared).await;
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// How many records there were.
    async fn run_table(&self, state: &mut State, table: Table, shared: &Shared) -> Result<usize, StackError> {
        let name = format!("{}{}", self.table_prefix, table.as_str());
        let streams = self.ask("ListStreams", &json!({ "TableName": name })).await?;
        let Some(arn) = streams.pointer("/Streams/0/StreamArn").and_then(Value::as_str) else {
            return Err(StackError::new("a table has no stream", &name));
        };
        let stream = self.ask("DescribeStream", &json!({ "StreamArn": arn })).await?;
        let shards = stream.pointer("/StreamDescription/Shards").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut read = 0;
        for shard in shards.iter().filter_map(|shard| shard.get("ShardId")?.as_str()) {
            let key = (table, shard.to_owned());
            if !state.iterators.contains_key(&key) {
                let from = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
                let reply = self.ask("GetShardIterator", &from).await?;
                state.iterators.insert(key.clone(), text(&reply, "ShardIterator"));
            }
            let Some(Some(iterator)) = state.iterators.get(&key) else {
                continue;
            };
            let reply = self.ask("GetRecords", &json!({ "ShardIterator": iterator, "Limit": BATCH })).await?;
            state.iterators.insert(key, text(&reply, "NextShardIterator"));
            let records = reply.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
            read += records.len();
            self.deliver(table, arn, records, shared).await;
        }
        Ok(read)
    }

    async fn ask(&self, operation: &str, body: &Value) -> Result<Value, StackError> {
        const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20330518/eu-central-1/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";
        let request = self.http.post(&self.dynamodb).body(body.to_string());
        let request = request
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"))
            .header("x-amz-date", "20330518T030000Z")
            .header("authorization", AUTHORIZATION);
        let failed = |error: reqwest::Error| StackError::new("the streams do not answer", &error);
        let response = request.send().await.map_err(failed)?;
        let is_success = response.status().is_success();
        let text = response.text().await.map_err(failed)?;
        if is_success { Ok(serde_json::from_str(&text).unwrap_or_default()) } else { Err(StackError::new(operation, &text)) }
    }

    /// As Lambda does: after a partial failure everything from the first failed record on comes again. What still fails at the end is given up.
    async fn deliver(&self, table: Table, arn: &str, mut records: Vec<Value>, shared: &Shared) {
        for record in &mut records {
            if let Some(record) = record.as_object_mut() {
                record.insert("eventSourceARN".to_owned(), Value::from(arn));
            }
        }
        let mut left = VecDeque::from(records);
        for tries in 1..=TRIES {
            if left.is_empty() {
                return;
            }
            let batch = json!({ "Records": left }).to_string();
            let failed = failed(shared.fan_out(batch).await, &left);
            if tries == TRIES {
                return self.give_up(table.as_str(), failed);
            }
            let first = left.iter().position(|record| failed.contains(&sequence_number(record))).unwrap_or(left.len());
            left.drain(..first);
        }
    }

    /// How many messages there were.
    async fn run_mailer(&self, state: &mut State, shared: &Shared) -> usize {
        let new = shared.sns.published_after(state.mailed);
        state.mailed += new.len();
        for message in new.iter().filter(|message| message.topic == "notices") {
            let event = event(message).to_string();
            let mut tries = 0;
            while let Outcome::Error(_) = shared.mail(event.clone()).await {
                tries += 1;
                if tries == TRIES {
                    self.give_up("notices topic", [message.message_id.clone()]);
                    break;
                }
            }
        }
        new.len()
    }
}

fn text(reply: &Value, name: &str) -> Option<String> {
    reply.get(name)?.as_str().map(str::to_owned)
}

fn sequence_number(record: &Value) -> String {
    record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The numbers that an answer names; all of them where it is an error, or names one that there is not.
fn failed(answer: Outcome, batch: &VecDeque<Value>) -> Vec<String> {
    let all = || batch.iter().map(sequence_number).collect::<Vec<_>>();
    let Outcome::Result(answer) = answer else {
        return all();
    };
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    let Some(failures) = answer.get("batchItemFailures").and_then(Value::as_array) else {
        return all();
    };
    let named: Vec<String> = failures.iter().filter_map(|failure| text(failure, "itemIdentifier")).collect();
    let known = all();
    if named.iter().all(|number| known.contains(number)) { named } else { known }
}

/// As SNS calls a function.
fn event(message: &Published) -> Value {
    let attributes: BTreeMap<&String, Value> =
        message.attributes.iter().map(|(name, value)| (name, json!({ "Type": "String", "Value": value }))).collect();
    json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{}:00000000-0000-0000-0000-000000000000", message.topic_arn),
        "Sns": {
            "Type": "Notification",
            "MessageId": message.message_id,
            "TopicArn": message.topic_arn,
            "Subject": message.subject,
            "Message": message.body,
            "Timestamp": "2033-05-18T03:00:00.000Z",
            "MessageAttributes": attributes,
        },
    }] })
}
