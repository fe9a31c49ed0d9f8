//! Amazon SES on this machine: takes what is sent through its second API, and has faults. It delivers nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use crate::faults::{Fault, Faults, Mode};
use crate::service;
use crate::sns::{cut, fresh_id};
use crate::stack::StackError;

/// A mail that SES took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: Option<String>,
    /// The same as HTML.
    pub html: Option<String>,
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Ses {
    /// Its base URL.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Faults,
    sent: Mutex<Vec<Mail>>,
}

impl Ses {
    /// Starts it on `port`; 0 for a free one.
    pub(crate) async fn start(port: u16) -> Result<Self, StackError> {
        let shared = Arc::new(Shared::default());
        let routes = Router::new().route("/v2/email/outbound-emails", post(send)).with_state(Arc::clone(&shared));
        Ok(Self { url: service::serve("the mail service", port, routes).await?, shared })
    }

    /// Makes the next answers go wrong; `table`, `operation` and `item` mean nothing here.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.inject(fault.of_everything());
    }

    /// Makes all answers right again.
    pub fn clear(&self) {
        self.shared.faults.clear();
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Mail> {
        self.shared.sent().clone()
    }
}

impl Shared {
    fn sent(&self) -> MutexGuard<'_, Vec<Mail>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(State(shared): State<Arc<Shared>>, Json(request): Json<Value>) -> Response<Body> {
    let fault = shared.faults.take(&[], "", &[]).map(|(mode, _)| mode);
    match fault {
        Some(Mode::Timeout) => return std::future::pending().await,
        Some(Mode::Error) => return refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "injected"),
        Some(Mode::Throttle) => return refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "injected"),
        Some(Mode::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, Json(json!({}))).into_response();
        }
        Some(Mode::Malformed) => return Response::new(Body::from("<no json")),
        _ => {}
    }
    let mail = match read(&request) {
        Err(why) => return refused(StatusCode::BAD_REQUEST, "BadRequestException", why),
        Ok(mail) => mail,
    };
    shared.sent().push(mail);
    let reply = json!({ "MessageId": format!("{}-000000", fresh_id()) });
    if fault == Some(Mode::LostReply) { cut(&reply.to_string()) } else { Json(reply).into_response() }
}

/// The mail in `request`, or what it lacks.
fn read(request: &Value) -> Result<Mail, &'static str> {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let to = request.pointer("/Destination/ToAddresses").and_then(Value::as_array).into_iter().flatten();
    let mail = Mail {
        from: text("/FromEmailAddress").ok_or("there is no sender")?,
        to: to.filter_map(|address| Some(address.as_str()?.to_owned())).collect(),
        subject: text("/Content/Simple/Subject/Data").ok_or("there is no simple content with a subject")?,
        text: text("/Content/Simple/Body/Text/Data"),
        html: text("/Content/Simple/Body/Html/Data"),
    };
    if mail.to.is_empty() {
        return Err("there is no recipient");
    }
    if !mail.to.iter().chain([&mail.from]).all(|address| address.contains('@')) {
        return Err("an address has no @");
    }
    if mail.text.is_none() && mail.html.is_none() {
        return Err("there is no body");
    }
    Ok(mail)
}

fn refused(status: StatusCode, code: &'static str, reason: &str) -> Response<Body> {
    (status, [("x-amzn-errortype", code)], Json(json!({ "message": reason }))).into_response()
}
