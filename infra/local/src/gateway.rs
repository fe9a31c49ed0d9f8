//! The loopback gateway: routes to functions as API Gateway does, and nothing from elsewhere.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};

use palisade_core::route::ROUTES;

use crate::control;
use crate::events::{Received, message, response};
use crate::page;
use crate::protected;
use crate::shared::Shared;

/// The largest request the gateway takes: API Gateway's 10 MB.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Stands in for the peer's address.
const LOCAL_IP: &str = "x-palisade-local-ip";

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    control::router()
        .merge(crate::cognito::router())
        .merge(page::router())
        .fallback(dispatch)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared)
        .layer(axum::middleware::from_fn(control::refuse_foreign_hosts))
}

async fn dispatch(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<String> {
    let stand_in = headers.remove(LOCAL_IP).and_then(|value| value.to_str().ok()?.parse::<IpAddr>().ok());
    let source_ip = stand_in.unwrap_or(peer.ip()).to_string();
    let request_id = shared.next_request_id();
    let received = Received {
        method: &method,
        uri: &uri,
        headers: &headers,
        body: &body,
        source_ip: &source_ip,
        request_id: &request_id,
        now: shared.clock.now(),
    };
    if uri.path() == protected::PATH {
        return protected::answer(&shared, &received).await;
    }
    // An HTTP API answers what it has no route for by itself.
    let Some(route) = ROUTES.iter().find(|route| route.is_for(method.as_str(), uri.path())) else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let event = received.event(shared.payload);
    match shared.call(route.function, event, request_id).await {
        Some(result) => response(&result),
        None => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}
