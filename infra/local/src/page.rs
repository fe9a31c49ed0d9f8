//! `GET /`: a page to try it all in a browser. Local only; nothing is built, nothing comes from elsewhere.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Only this page's own script and style run, and they reach this gateway only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
     base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { file("text/html; charset=utf-8", include_str!("../page/index.html")) }))
        .route("/__local/page/style.css", get(|| async { file("text/css; charset=utf-8", include_str!("../page/style.css")) }))
        .route("/__local/page/app.js", get(|| async { file("text/javascript; charset=utf-8", include_str!("../page/app.js")) }))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-store")];
    (headers, text).into_response()
}
