//! From an event's text to its result's text: the boundary that the Lambda runtime and the local gateway both cross.
//!
//! Whatever happens inside, a caller gets an answer in its own form: an event that is no request gets 400, a handler that panics the
//! fixed 500, one that is late the fixed 503.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use palisade_core::event::{Event, EventKind};

use crate::event::decode;
use crate::request::HttpRequest;
use crate::response::HttpResponse;
use crate::{problem, telemetry};

/// What one call brings beside its event.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The runtime's id of the call.
    pub request_id: String,
    /// How long the answer may take.
    pub deadline: Duration,
    /// Whether HSTS asks for preloading.
    pub hsts_preload: bool,
}

/// The result for `event`: what `handle` makes of the request in it.
pub async fn answer<F, Fut>(event: &str, invocation: &Invocation, handle: F) -> String
where
    F: FnOnce(HttpRequest) -> Fut,
    Fut: Future<Output = HttpResponse>,
{
    let (format, request) = decode(event, &invocation.request_id);
    let response = match request {
        Err(denial) => problem::unreadable(&invocation.request_id, &denial),
        Ok(request) => guarded(request, invocation.deadline, handle).await,
    };
    response.with_security_headers(invocation.hsts_preload).encode(format)
}

async fn guarded<F, Fut>(request: HttpRequest, deadline: Duration, handle: F) -> HttpResponse
where
    F: FnOnce(HttpRequest) -> Fut,
    Fut: Future<Output = HttpResponse>,
{
    let seen = telemetry::Seen::of(&request);
    let request_id = request.request_id.clone();
    // Called inside the future, so that a panic before its first await is caught as well.
    let handled = AssertUnwindSafe(async move { handle(request).await }).catch_unwind();
    match tokio::time::timeout(deadline, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => problem::broken(&request_id),
        Err(_) => {
            telemetry::emit(&seen, vec![Event::new(EventKind::DeadlineExceeded)]);
            problem::late(&request_id)
        }
    }
}
