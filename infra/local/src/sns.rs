//! Amazon SNS on this machine: takes what is published, refuses what SNS refuses, and has faults. It delivers nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Form, Router};
use futures_util::stream;
use palisade_cloud::environment;
use serde_json::Value;

use crate::faults::{Fault, Faults, Mode};
use crate::service;
use crate::stack::StackError;

/// A message that SNS took.
#[derive(Debug, Clone)]
pub struct Published {
    /// The id it was answered with.
    pub message_id: String,
    /// The topic's name.
    pub topic: String,
    /// The topic.
    pub topic_arn: String,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// The attributes' texts by their names.
    pub attributes: BTreeMap<String, String>,
    /// The text for every protocol that has none of its own.
    pub body: String,
    /// The text for mail, where it has its own.
    pub email: Option<String>,
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Sns {
    /// Its base URL.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Faults,
    published: Mutex<Vec<Published>>,
}

impl Sns {
    /// Starts it on `port`; 0 for a free one.
    pub(crate) async fn start(port: u16) -> Result<Self, StackError> {
        let shared = Arc::new(Shared::default());
        let routes = Router::new().route("/", post(publish)).with_state(Arc::clone(&shared));
        Ok(Self { url: service::serve("the topics", port, routes).await?, shared })
    }

    /// Makes the next answers go wrong; `operation` means the topic's name here, `table` and `item` nothing.
    pub fn inject(&self, mut fault: Fault) {
        (fault.table, fault.item) = (None, None);
        self.shared.faults.inject(fault);
    }

    /// Makes all answers right again.
    pub fn clear(&self) {
        self.shared.faults.clear();
    }

    /// What was published so far.
    pub fn published(&self) -> Vec<Published> {
        self.published_after(0)
    }

    /// The same without the first `count`.
    pub(crate) fn published_after(&self, count: usize) -> Vec<Published> {
        self.shared.published().iter().skip(count).cloned().collect()
    }
}

impl Shared {
    fn published(&self) -> MutexGuard<'_, Vec<Published>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Pairs = BTreeMap<String, String>;

async fn publish(State(shared): State<Arc<Shared>>, Form(pairs): Form<Pairs>) -> Response<Body> {
    let topic = pairs.get("TopicArn").map_or("", |arn| name_in(arn));
    let fault = shared.faults.take(&[], topic, &[]).map(|(mode, _)| mode);
    match fault {
        Some(Mode::Timeout) => return std::future::pending().await,
        Some(Mode::Error) => return refused(StatusCode::INTERNAL_SERVER_ERROR, ("InternalError", "injected")),
        Some(Mode::Throttle) => return refused(StatusCode::BAD_REQUEST, ("Throttling", "Rate exceeded")),
        Some(Mode::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return xml(status, "<ErrorResponse></ErrorResponse>".to_owned());
        }
        Some(Mode::Malformed) => return xml(StatusCode::OK, "no XML".to_owned()),
        _ => {}
    }
    let message = match read(&pairs) {
        Err(why) => return refused(StatusCode::BAD_REQUEST, why),
        Ok(message) => message,
    };
    let reply = accepted(&message.message_id);
    shared.published().push(message);
    if fault == Some(Mode::LostReply) { cut(&reply) } else { xml(StatusCode::OK, reply) }
}

fn name_in(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

/// Code and reason.
type Refusal = (&'static str, &'static str);
const INVALID: &str = "InvalidParameter";

/// The most bytes of a message and its attributes together.
const MOST_BYTES: usize = 262_144;

fn read(pairs: &Pairs) -> Result<Published, Refusal> {
    let field = |name: &str| pairs.get(name).map_or("", String::as_str);
    let (topic_arn, message, subject) = (field("TopicArn"), field("Message"), pairs.get("Subject"));
    let counted = pairs.iter().filter(|(name, _)| *name == "Message" || name.starts_with("MessageAttributes."));
    let rules = [
        (field("Action") == "Publish", ("InvalidAction", "there is only Publish here")),
        (topic_arn.starts_with("arn:") && topic_arn.split(':').count() == 6, (INVALID, "Invalid parameter: TopicArn")),
        (!message.is_empty(), (INVALID, "Invalid parameter: Empty message")),
        (counted.map(|(_, value)| value.len()).sum::<usize>() <= MOST_BYTES, (INVALID, "Invalid parameter: Message too long")),
        (subject.is_none_or(|subject| is_subject(subject)), (INVALID, "Invalid parameter: Subject")),
    ];
    if let Some((_, why)) = rules.into_iter().find(|(is_kept, _)| !is_kept) {
        return Err(why);
    }
    let is_json = field("MessageStructure") == "json";
    let (body, email) = if is_json { per_protocol(message)? } else { (message.to_owned(), None) };
    let (topic, topic_arn, subject) = (name_in(topic_arn).to_owned(), topic_arn.to_owned(), subject.cloned());
    Ok(Published { message_id: fresh_id(), topic, topic_arn, subject, attributes: attributes(pairs)?, body, email })
}

/// ASCII, as the API's documentation had it for long. It allows UTF-8 by now: what passes here passes either rule.
fn is_subject(subject: &str) -> bool {
    let is_printable = subject.chars().all(|c| matches!(c, ' '..='~'));
    is_printable && subject.len() <= 100 && subject.starts_with(|c: char| c.is_ascii_graphic())
}

/// What `default` and `email` say in a message that has a text for each protocol.
fn per_protocol(message: &str) -> Result<(String, Option<String>), Refusal> {
    let unread = (INVALID, "Invalid parameter: Message Structure - JSON message body failed to parse");
    let json: Value = serde_json::from_str(message).map_err(|_| unread)?;
    let text = |protocol: &str| json.get(protocol).and_then(Value::as_str).map(str::to_owned);
    let missing = (INVALID, "Invalid parameter: Message Structure - No default entry in JSON message body");
    Ok((text("default").ok_or(missing)?, text("email")))
}

fn attributes(pairs: &Pairs) -> Result<BTreeMap<String, String>, Refusal> {
    let field = |n: u32, field: &str| pairs.get(&format!("MessageAttributes.entry.{n}.{field}"));
    let text = |n: u32, name: &str| field(n, name).filter(|text| !text.is_empty()).cloned();
    // The SDK's word for it; its type is called `InvalidParameterValueException`.
    let empty = ("ParameterValueInvalid", "a message attribute must have a name, a type and a non-empty text");
    let entry = |n| Some((text(n, "Name")?, text(n, "Value.DataType").and(text(n, "Value.StringValue"))?));
    (1..).take_while(|n| field(*n, "Name").is_some()).map(|n| entry(n).ok_or(empty)).collect()
}

/// A random id in the form that AWS gives its own.
pub(crate) fn fresh_id() -> String {
    let random = u128::from_be_bytes(environment::system_entropy().bytes());
    let group = |shift: u32| (random >> shift) & 0xffff;
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", random >> 96, group(80), group(64), group(48), random & 0xffff_ffff_ffff)
}

fn accepted(message_id: &str) -> String {
    let result = format!("<PublishResult><MessageId>{message_id}</MessageId></PublishResult>");
    let metadata = format!("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>", fresh_id());
    format!(r#"<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{result}{metadata}</PublishResponse>"#)
}

fn refused(status: StatusCode, (code, reason): Refusal) -> Response<Body> {
    let side = if status.is_server_error() { "Receiver" } else { "Sender" };
    let error = format!("<Error><Type>{side}</Type><Code>{code}</Code><Message>{reason}</Message></Error>");
    xml(status, format!(r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{error}</ErrorResponse>"#))
}

fn xml(status: StatusCode, body: String) -> Response<Body> {
    (status, [(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

/// The connection ends before the reply does.
pub(crate) fn cut(reply: &str) -> Response<Body> {
    let half = Bytes::copy_from_slice(reply.as_bytes().get(..reply.len() / 2).unwrap_or_default());
    Response::new(Body::from_stream(stream::iter([Ok(half), Err(std::io::Error::other("cut"))])))
}
