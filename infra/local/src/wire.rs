//! The SDK's HTTP connector, wrapped: ledger and fault injector at once.
//!
//! It asks DynamoDB for consumed capacity by adding to the request's body, after signing: the emulators do not check signatures, and the
//! wire only ever talks to this machine.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

use palisade_cloud::environment;
use palisade_cloud::schema::TABLES;

use crate::faults::{Faults, Mode};
use crate::{ledger, template};

/// What a wire needs to know of the stack it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    inner: SharedHttpClient,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    faults: Faults,
    table_prefix: String,
    /// Where to write what was needed.
    permissions: Option<PathBuf>,
    /// The last reply to each read that did not ask for consistency.
    replies: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl Wire {
    pub(crate) fn new(faults: Faults, table_prefix: String, permissions: Option<PathBuf>) -> Self {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        Self { inner, shared: Arc::new(Shared { faults, table_prefix, permissions, replies: Mutex::default() }) }
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, shared: Arc::clone(&self.shared) })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    shared: Arc<Shared>,
}

/// A DynamoDB request as far as it matters here.
struct Seen {
    operation: String,
    /// The tables' words, sorted; more than one in a batch or a transaction.
    tables: Vec<String>,
    /// The partition keys of the items.
    items: Vec<String>,
    consistent: bool,
    /// Whether the template lets the function do it; outside of a request everything is.
    granted: bool,
    body: Vec<u8>,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        // Topics and mail have faults and records of their own.
        if !request.headers().get("x-amz-target").is_some_and(|target| target.starts_with("DynamoDB_")) {
            return self.inner.call(request);
        }
        let seen = self.shared.look(&mut request);
        let open = ledger::begin(&seen.tables.join("+"), &seen.operation, seen.consistent);
        let (fault, number) = self.shared.faults.take(&seen.tables, &seen.operation, &seen.items).unzip();
        let (inner, shared) = (self.inner.clone(), Arc::clone(&self.shared));
        HttpConnectorFuture::new(async move {
            match fault {
                Some(Mode::Hold) => shared.faults.hold(number.unwrap_or_default()).await,
                Some(Mode::Shuffle) => some_turns().await,
                _ => {}
            }
            let canned = match fault {
                Some(Mode::Timeout) => std::future::pending().await,
                // Past the panic hook: it is the test's own.
                Some(Mode::Panic) => std::panic::resume_unwind(Box::new("the wire")),
                Some(Mode::Error) => Some(refusal(500, "InternalServerError")),
                Some(Mode::Throttle) => Some(refusal(400, "ProvisionedThroughputExceededException")),
                Some(Mode::Status(status)) => Some((status, b"{}".to_vec())),
                Some(Mode::Malformed) => Some((200, b"<no json".to_vec())),
                Some(Mode::Cancelled(why)) => Some((400, cancelled(why.codes()))),
                Some(Mode::UnprocessedKeys) => Some((200, unprocessed(&seen.body))),
                Some(Mode::EmptyPage) => Some((200, empty_page(&seen.body))),
                Some(Mode::Stale) if !seen.consistent => shared.previous(&seen.body).map(|reply| (200, reply)),
                _ if !seen.granted => Some(refusal(400, "AccessDeniedException")),
                _ => None,
            };
            if let Some((status, body)) = canned {
                open.end(0.0, 0.0);
                return response(status, body);
            }
            let (status, mut body) = exchange(inner.call(request)).await?;
            if fault == Some(Mode::UnprocessedAccounts) {
                body = without_accounts(&seen.body, &body);
            }
            let (read_units, write_units) = units(&seen.operation, status, &body);
            open.end(read_units, write_units);
            shared.keep(&seen, &body);
            if fault == Some(Mode::Killed) {
                std::panic::resume_unwind(Box::new("the wire"));
            }
            if fault == Some(Mode::NoReply) {
                std::future::pending::<()>().await;
            }
            if fault == Some(Mode::LostReply) {
                return Err(ConnectorError::io("the reply was lost".into()));
            }
            response(status, body)
        })
    }
}

impl Shared {
    /// Reads the request and adds the wish for consumed capacity to it.
    fn look(&self, request: &mut HttpRequest) -> Seen {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let named: Vec<(String, &Value)> = requests(&json).into_iter().map(|(name, of)| (self.word(name), of)).collect();
        let mut tables: Vec<String> = named.iter().map(|(table, _)| table.clone()).collect();
        tables.sort();
        tables.dedup();
        let items = named.iter().flat_map(|(table, of)| partition_keys(of, table)).collect();
        let is_consistent = |of: &Value| of.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
        let consistent = !named.is_empty() && named.iter().all(|(_, of)| is_consistent(of));
        let needed = template::needed(&operation, &json, |name| self.word(name));
        let function = ledger::function();
        let granted = function.is_none_or(|function| template::grants(function, &needed));
        if let (Some(file), Some(function)) = (&self.permissions, function) {
            template::note(file, function, &needed);
        }
        let is_data =
            is_read(&operation) || matches!(operation.as_str(), "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems");
        if is_data && let Some(object) = json.as_object_mut() {
            object.insert("ReturnConsumedCapacity".into(), "TOTAL".into());
            let wished = json.to_string();
            request.headers_mut().insert("content-length", wished.len().to_string());
            *request.body_mut() = SdkBody::from(wished);
        }
        Seen { operation, tables, items, consistent, granted, body }
    }

    /// The table's word.
    fn word(&self, name: &str) -> String {
        name.strip_prefix(&self.table_prefix).unwrap_or(name).to_owned()
    }

    fn keep(&self, seen: &Seen, reply: &[u8]) {
        if is_read(&seen.operation) && !seen.consistent {
            self.replies.lock().unwrap_or_else(PoisonError::into_inner).insert(seen.body.clone(), reply.to_vec());
        }
    }

    fn previous(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).get(body).cloned()
    }
}

/// What a request asks of each table: one part for most, several in a batch or a transaction.
fn requests(json: &Value) -> Vec<(&str, &Value)> {
    if let Some(batch) = json.get("RequestItems").and_then(Value::as_object) {
        return batch.iter().map(|(table, of)| (table.as_str(), of)).collect();
    }
    let writes = json.get("TransactItems").and_then(Value::as_array);
    let parts: Vec<&Value> = match writes {
        Some(writes) => writes.iter().filter_map(|write| write.as_object()?.values().next()).collect(),
        None => vec![json],
    };
    parts.into_iter().filter_map(|part| Some((part.get("TableName")?.as_str()?, part))).collect()
}

/// The values of the partition keys that `request` names in `table`.
fn partition_keys(request: &Value, table: &str) -> Vec<String> {
    let Some(schema) = TABLES.iter().find(|schema| schema.table.as_str() == table) else {
        return Vec::new();
    };
    let several = request.get("Keys").and_then(Value::as_array).into_iter().flatten();
    let one = request.get("Key").or_else(|| request.get("Item"));
    let key = |key: &Value| Some(key.get(schema.partition.name)?.get("S")?.as_str()?.to_owned());
    several.chain(one).filter_map(key).collect()
}

/// A cancelled transaction, as DynamoDB tells of it.
fn cancelled(codes: [&str; 2]) -> Vec<u8> {
    let reasons: Vec<Value> = codes.iter().map(|code| serde_json::json!({ "Code": code })).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    serde_json::json!({ "__type": kind, "message": "injected", "CancellationReasons": reasons }).to_string().into_bytes()
}

/// A batch of which nothing was answered.
fn unprocessed(body: &[u8]) -> Vec<u8> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    serde_json::json!({ "Responses": {}, "UnprocessedKeys": json.get("RequestItems") }).to_string().into_bytes()
}

/// The same of which the accounts were not.
fn without_accounts(asked: &[u8], answered: &[u8]) -> Vec<u8> {
    let asked: Value = serde_json::from_slice(asked).unwrap_or_default();
    let mut answered: Value = serde_json::from_slice(answered).unwrap_or_default();
    let tables = asked.get("RequestItems").and_then(Value::as_object);
    let accounts = tables.into_iter().flatten().find(|(table, _)| table.ends_with("accounts"));
    if let Some((table, keys)) = accounts
        && let Some(answered) = answered.as_object_mut()
    {
        answered.get_mut("Responses").and_then(Value::as_object_mut).and_then(|responses| responses.remove(table));
        answered.insert("UnprocessedKeys".into(), serde_json::json!({ table: keys }));
    }
    answered.to_string().into_bytes()
}

/// A page without items that says there are more: before all that there are.
fn empty_page(body: &[u8]) -> Vec<u8> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let account = json.pointer("/ExpressionAttributeValues/:account");
    let last = serde_json::json!({ "account_key": account, "secret_hash": { "S": "!" } });
    serde_json::json!({ "Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": last }).to_string().into_bytes()
}

/// Up to fifteen turns of the scheduler.
async fn some_turns() {
    let [turns] = environment::system_entropy().bytes::<1>();
    for _ in 0..turns % 16 {
        tokio::task::yield_now().await;
    }
}

fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "Query" | "BatchGetItem" | "Scan")
}

/// Consumed capacity; a refused condition reports none and costs one write unit all the same.
fn units(operation: &str, status: u16, body: &[u8]) -> (f64, f64) {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let reported = match json.get("ConsumedCapacity") {
        Some(Value::Array(tables)) => Some(tables.iter().filter_map(|table| table.get("CapacityUnits")?.as_f64()).sum()),
        Some(one) => one.get("CapacityUnits").and_then(Value::as_f64),
        None => None,
    };
    let units = match reported {
        Some(units) => units,
        None if status == 400 && json.to_string().contains("ConditionalCheckFailed") => 1.0,
        None => 0.0,
    };
    if is_read(operation) { (units, 0.0) } else { (0.0, units) }
}

async fn exchange(reply: HttpConnectorFuture) -> Result<(u16, Vec<u8>), ConnectorError> {
    let mut reply = reply.await?;
    let status = reply.status().as_u16();
    let body = ByteStream::new(reply.take_body()).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    Ok((status, body.to_vec()))
}

fn response(status: u16, body: Vec<u8>) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(body)))
}

fn refusal(status: u16, code: &str) -> (u16, Vec<u8>) {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"injected"}}"#);
    (status, body.into_bytes())
}
