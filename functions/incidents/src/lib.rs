//! `GET /incidents`, `GET /incidents/{id}`, `POST /incidents/{id}/{assign|note|investigate|resolve|false-positive|reopen|contain}` and `GET
//! /board`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Outcomes: 200 with what is asked for, or with the incident after an action; 401 without
//! a session, 403 for accounts that are not staff, from another site, without the session's CSRF token, or for a containment without a password
//! given lately; 404 for what there is not, 409 when somebody was faster or the action does not fit; 400, 413 and 415 for what is no request,
//! 503 when the store fails. Tables: accounts, sessions, counters, incidents and notices (read, write).

mod board;
mod reply;
mod routes;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use palisade_core::event::Trail;
use palisade_core::settings::Settings;
use palisade_core::{Denial, Fault};
use palisade_edge::{Front, HttpRequest, HttpResponse, problem};
use palisade_flows::{Parts, incidents};

use board::Board;

pub use palisade_flows::incidents::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    flow: incidents::Deps,
    front: Front,
    board: Board,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        Ok(Self { board: Board::new()?, front: Front::of(settings), flow: incidents::Deps::new(settings, parts)? })
    }

    /// Connects to the store before the first request.
    pub async fn warm_up(&self) {
        self.flow.warm_up().await;
    }
}

/// One call, from the event's text to the result's.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        palisade_edge::answer(&deps.front, &event, &request_id, async |request, trail| handle(&deps, request, trail).await).await
    })
}

/// The answer to `request`; what should be logged of it goes to `trail`.
pub async fn handle(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let segments: Vec<&str> = request.path.split('/').skip(1).collect();
    match (segments.as_slice(), &request.method) {
        (["board"], &Method::GET) => deps.board.page(),
        (["incidents"], &Method::GET) => routes::list(deps, request, trail).await,
        (["incidents", id], &Method::GET) => routes::show(deps, request, id, trail).await,
        (["incidents", id, "contain"], &Method::POST) => routes::contain(deps, request, id, trail).await,
        (["incidents", id, action], &Method::POST) => routes::act(deps, request, (id, action), trail).await,
        (["board" | "incidents"] | ["incidents", _], _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "GET" }),
        (["incidents", _, action], _) if routes::is_action(action) => {
            problem::denied(request, &Denial::MethodNotAllowed { allow: "POST" })
        }
        _ => problem::denied(request, &Denial::NotFound),
    }
}
