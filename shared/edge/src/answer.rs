//! From an event's text to its result's text: the boundary that the Lambda runtime and the local gateway both cross.
//!
//! Whatever happens inside, a caller gets an answer in its own form, and what was noted of the request is logged: an event that is no
//! request gets 400, a panic the fixed 500, a handler that is late the fixed 503.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use palisade_core::ClientIp;
use palisade_core::event::{EventKind, Trail};

use crate::event::{Format, decode};
use crate::front::Front;
use crate::problem;
use crate::request::HttpRequest;
use crate::response::HttpResponse;
use crate::telemetry::{self, Seen};

/// The result for `event`: what `handle` makes of the request in it. `runtime_id` is the runtime's id of the call.
pub async fn answer<F>(front: &Front, event: &str, runtime_id: &str, handle: F) -> String
where
    F: AsyncFnOnce(&HttpRequest, &mut Trail) -> HttpResponse,
{
    let mut format = Format::V2;
    let mut seen = Seen::nothing_of(runtime_id);
    let mut trail = Trail::default();
    let work = async {
        let (form, request) = decode(event, runtime_id, &front.trusted_proxies);
        format = form;
        match request {
            Err(denial) => problem::unreadable(runtime_id, &denial),
            Ok(request) => {
                seen = Seen::of(&request);
                trail = Trail::new(request.client_ip, &request.user_agent());
                if request.client_ip == ClientIp::Unknown {
                    trail.note(EventKind::ClientAddressMissing);
                }
                handle(&request, &mut trail).await
            }
        }
    };
    let worked = tokio::time::timeout(front.deadline, AssertUnwindSafe(work).catch_unwind()).await;
    let response = match worked {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => problem::broken(seen.request_id()),
        Err(_) => {
            trail.note(EventKind::DeadlineExceeded);
            problem::late(seen.request_id())
        }
    };
    telemetry::emit(&seen, trail.into_events());
    response.with_security_headers(front.hsts_preload).encode(format)
}
