//! `GET`, `POST /protected`: the user's own API behind the authorizer, answered as API Gateway answers.
//!
//! No identity sources are configured, as in the README's templates: a session comes as a cookie or as a bearer token, and API Gateway would
//! answer 401 by itself to whoever lacks one of those listed. So the authorizer is asked about every request.

use axum::http::{Response, StatusCode};
use palisade_edge::Outcome;
use serde_json::{Map, Value, json};

use crate::events::{Payload, Received, message};
use crate::shared::Shared;

/// The path of the route that stands for the user's own API.
pub(crate) const PATH: &str = "/protected";

/// Asks the authorizer about `received`; with its leave the answer shows what a function behind it would get to know.
pub(crate) async fn answer(shared: &Shared, received: &Received<'_>) -> Response<String> {
    let arn = format!("arn:aws:execute-api:eu-central-1:000000000000:local/local/{}{PATH}", received.method);
    let event = received.authorizer_event(shared.payload, &arn).to_string();
    let outcome = shared.authorize(event, received.request_id.to_owned()).await;
    match shared.payload {
        Payload::V2 => http_api(outcome),
        Payload::Rest => rest_api(outcome, &arn),
    }
}

/// An HTTP API with simple responses: bare answers, nothing of ours in them.
fn http_api(outcome: Outcome) -> Response<String> {
    let Outcome::Result(text) = outcome else {
        return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    let decision: Value = serde_json::from_str(&text).unwrap_or_default();
    match decision.get("isAuthorized").and_then(Value::as_bool) {
        Some(true) => let_in(&json!({ "lambda": decision.get("context") })),
        Some(false) => message(StatusCode::FORBIDDEN, "Forbidden"),
        None => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}

/// A REST API: one text is a 401, a policy is read, anything else is a broken authorizer.
fn rest_api(outcome: Outcome, arn: &str) -> Response<String> {
    let text = match outcome {
        Outcome::Error("Unauthorized") => return message(StatusCode::UNAUTHORIZED, "Unauthorized"),
        Outcome::Error(_) => return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
        Outcome::Result(text) => text,
    };
    let decision: Value = serde_json::from_str(&text).unwrap_or_default();
    let statement = decision.pointer("/policyDocument/Statement/0").unwrap_or(&Value::Null);
    let allows = statement.get("Effect") == Some(&json!("Allow")) && statement.get("Resource") == Some(&json!(arn));
    if !allows {
        return message(StatusCode::FORBIDDEN, "User is not authorized to access this resource");
    }
    let mut known = decision.get("context").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    known.insert("principalId".to_owned(), decision.get("principalId").cloned().unwrap_or_default());
    let_in(&Value::Object(known))
}

/// What the demo function answers: its `requestContext.authorizer`.
fn let_in(authorizer: &Value) -> Response<String> {
    let mut response = Response::new(json!({ "authorizer": authorizer }).to_string());
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}
