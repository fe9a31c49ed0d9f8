//! `/__local/…`: what the local stack has beside the product. Foreign `Host` and `Origin` headers are refused, so that no web page
//! reaches it through a browser on this machine.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use palisade_core::settings::is_loopback;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::{NewAccount, Refused};
use crate::faults::{Fault, Mode};
use crate::ledger::Entry;
use crate::pump::DeadLetter;
use crate::shared::Shared;
use crate::sns::Published;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/__local/mailbox", get(mailbox))
        .route("/__local/webhooks", get(webhooks))
        .route("/__local/mails", get(mails))
        .route("/__local/dead-letters", get(dead_letters))
        .route("/__local/clock", post(clock))
        .route("/__local/faults", post(faults))
        .route("/__local/ledger", get(ledger).delete(clear_ledger))
        .route("/__local/accounts", post(accounts))
}

/// A browser sends the name of the page's site in `Host`, and of the calling page in `Origin`: a name that was rebound to this machine, or
/// a foreign page, shows there. The functions judge `Origin` by themselves.
pub(crate) async fn refuse_foreign_hosts(request: Request, next: Next) -> Response {
    let text = |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let host_is_ours = text(request.headers(), "host").is_some_and(|host| is_loopback(&host));
    let is_control = request.uri().path().starts_with("/__local/");
    let origin_is_ours = text(request.headers(), "origin").is_none_or(|origin| is_loopback(&origin));
    if host_is_ours && (origin_is_ours || !is_control) {
        next.run(request).await
    } else {
        refused(StatusCode::FORBIDDEN, "only this machine's own addresses are served")
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "message": why }))).into_response()
}

/// Every message that was published, newest last, once the streams are read. A body that is JSON stands there as such.
async fn mailbox(State(shared): State<Arc<Shared>>) -> Response {
    if let Err(error) = shared.pump().await {
        return refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
    }
    let messages: Vec<Value> = shared.sns.published().iter().map(message).collect();
    Json(messages).into_response()
}

fn message(published: &Published) -> Value {
    let Published { topic, attributes, subject, email, body, .. } = published;
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body.as_str()));
    json!({ "topic": topic, "attributes": attributes, "subject": subject, "email": email, "body": body })
}

/// What the webhook's receiver got, once the streams are read.
async fn webhooks(State(shared): State<Arc<Shared>>) -> Response {
    match shared.pump().await {
        Err(error) => refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Ok(()) => Json(shared.webhooks.received()).into_response(),
    }
}

/// Every mail, once the streams are read; none without `PALISADE_MAIL_FROM`.
async fn mails(State(shared): State<Arc<Shared>>) -> Response {
    match shared.pump().await {
        Err(error) => refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Ok(()) => Json(shared.ses.sent()).into_response(),
    }
}

async fn dead_letters(State(shared): State<Arc<Shared>>) -> Json<Vec<DeadLetter>> {
    Json(shared.dead_letters())
}

/// The most seconds the clock is moved by at once: ten years.
const MOST_SECONDS: u64 = 10 * 366 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: u64,
}

async fn clock(State(shared): State<Arc<Shared>>, Json(by): Json<Advance>) -> Response {
    match &shared.manual_clock {
        None => refused(StatusCode::CONFLICT, "the clock is the system's; start with --clock manual"),
        Some(_) if by.advance_s > MOST_SECONDS => refused(StatusCode::BAD_REQUEST, "the clock moves by ten years at most"),
        Some(clock) => {
            clock.advance(Duration::from_secs(by.advance_s));
            shared.sweep();
            Json(json!({ "now": clock.now().to_string() })).into_response()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    dependency: String,
    mode: String,
    times: Option<u32>,
    table: Option<String>,
    operation: Option<String>,
    item: Option<String>,
}

async fn faults(State(shared): State<Arc<Shared>>, Json(new): Json<NewFault>) -> Response {
    type Change = (fn(&Shared, Fault), fn(&Shared));
    let (inject, clear): Change = match new.dependency.as_str() {
        "dynamodb" => (|shared, fault| shared.faults.inject(fault), |shared| shared.faults.clear()),
        "hibp" => (|shared, fault| shared.hibp.inject(fault), |shared| shared.hibp.clear()),
        "sns" => (|shared, fault| shared.sns.inject(fault), |shared| shared.sns.clear()),
        "ses" => (|shared, fault| shared.ses.inject(fault), |shared| shared.ses.clear()),
        "webhook" => (|shared, fault| shared.webhooks.inject(fault), |shared| shared.webhooks.clear()),
        _ => return refused(StatusCode::BAD_REQUEST, "the dependencies are dynamodb, hibp, sns, ses and webhook"),
    };
    if new.mode == "off" {
        clear(&shared);
        return StatusCode::NO_CONTENT.into_response();
    }
    match new.mode.parse::<Mode>() {
        Err(why) => refused(StatusCode::BAD_REQUEST, &why),
        Ok(mode) => {
            let fault =
                Fault { times: new.times, table: new.table, operation: new.operation, item: new.item, ..Fault::always(mode) };
            inject(&shared, fault);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

async fn ledger(State(shared): State<Arc<Shared>>) -> Json<Vec<Entry>> {
    Json(shared.ledger.entries())
}

async fn clear_ledger(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.ledger.clear();
    StatusCode::NO_CONTENT
}

async fn accounts(State(shared): State<Arc<Shared>>, Json(new): Json<NewAccount>) -> Response {
    match shared.maker.make(new, shared.clock.now()).await {
        Ok(account_id) => (StatusCode::CREATED, Json(json!({ "account_id": account_id }))).into_response(),
        Err(Refused::Invalid(why)) => refused(StatusCode::BAD_REQUEST, &why),
        Err(Refused::Taken) => refused(StatusCode::CONFLICT, "there is such an account"),
        Err(Refused::Failed(why)) => refused(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}
