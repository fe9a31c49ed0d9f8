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
use palisade_core::notice::Notice;
use palisade_core::secret::SecretText;
use palisade_core::settings::is_loopback;
use palisade_core::{KeyRing, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::{NewAccount, Refused};
use crate::faults::{Fault, Mode};
use crate::ledger::Entry;
use crate::stack::Shared;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/__local/mailbox", get(mailbox))
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

/// Every message to a person, newest last. The token of a grant is derived here, as the fan-out will: it is stored nowhere.
async fn mailbox(State(shared): State<Arc<Shared>>) -> Response {
    match shared.notices.all().await {
        Err(fault) => refused(StatusCode::SERVICE_UNAVAILABLE, &fault.chain()),
        Ok(notices) => Json(notices.iter().map(|notice| message(notice, &shared.keys)).collect::<Vec<_>>()).into_response(),
    }
}

fn message(notice: &Notice, keys: &KeyRing) -> Value {
    json!({
        "topic": "notices",
        "attributes": { "kind": notice.kind.as_str() },
        "body": {
            "id": notice.id.as_str(),
            "kind": notice.kind.as_str(),
            "account_id": notice.account_id.as_ref().map(Subject::as_str),
            "to": notice.to,
            "created_at": notice.created_at.to_string(),
            "expires_at": notice.expires_at.to_string(),
            "token": notice.token(keys).as_ref().map(SecretText::expose),
        },
    })
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
    let is_hibp = match new.dependency.as_str() {
        "dynamodb" => false,
        "hibp" => true,
        _ => return refused(StatusCode::BAD_REQUEST, "the dependencies are dynamodb and hibp"),
    };
    if new.mode == "off" {
        if is_hibp {
            shared.hibp.clear();
        } else {
            shared.faults.clear();
        }
        return StatusCode::NO_CONTENT.into_response();
    }
    match new.mode.parse::<Mode>() {
        Err(why) => refused(StatusCode::BAD_REQUEST, &why),
        Ok(mode) => {
            let fault =
                Fault { times: new.times, table: new.table, operation: new.operation, item: new.item, ..Fault::always(mode) };
            if is_hibp {
                shared.hibp.inject(fault);
            } else {
                shared.faults.inject(fault);
            }
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
