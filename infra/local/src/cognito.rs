//! `POST /__local/cognito/{trigger}`: what a user pool does with a trigger. It waits 5 seconds for an answer and asks three times in all; what
//! is refused it puts into words of its own around the function's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use palisade_edge::Outcome;
use serde_json::{Value, json};

use crate::shared::Shared;

/// How long Cognito waits for an answer (the developer guide's "must respond within 5 seconds").
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it asks.
const TRIES: usize = 3;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/__local/cognito/{trigger}", post(trigger))
}

/// What the pool makes of `event`: the event that came back, or the text that its client sees.
pub(crate) async fn call(shared: &Shared, event: &str) -> Result<String, String> {
    let family = family(event);
    for _ in 0..TRIES {
        match tokio::time::timeout(PATIENCE, shared.cognito(event.to_owned())).await {
            Ok(Outcome::Result(answer)) => return Ok(answer),
            Ok(Outcome::Error(text)) => return Err(format!("{family} failed with error {text}.")),
            Err(_) => {}
        }
    }
    Err(format!("{family} invocation failed due to error TimeOut."))
}

/// The part of the event's source before the underscore; empty where it has none.
fn family(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let source = event.get("triggerSource").and_then(Value::as_str);
    source.and_then(|source| source.split('_').next()).unwrap_or_default().to_owned()
}

async fn trigger(State(shared): State<Arc<Shared>>, Path(trigger): Path<String>, event: String) -> Response {
    if family(&event) != trigger {
        let why = format!("the event's triggerSource does not begin with {trigger}");
        return (StatusCode::BAD_REQUEST, axum::Json(json!({ "message": why }))).into_response();
    }
    match call(&shared, &event).await {
        Ok(answer) => ([(CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(message) => {
            let refused = json!({ "__type": "UserLambdaValidationException", "message": message });
            (StatusCode::BAD_REQUEST, axum::Json(refused)).into_response()
        }
    }
}
