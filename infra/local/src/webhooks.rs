//! A webhook's receiver on this machine: records what comes to `/hook` and whether anything comes elsewhere, and has faults.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::post;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::faults::{Fault, Faults, Mode};
use crate::service;
use crate::stack::StackError;

/// The most bytes of a request.
const MOST_BYTES: usize = 1024 * 1024;

/// A part of the answer that is too long, and how many there are: 100 MiB.
static CHUNK: [u8; 64 * 1024] = [b'x'; 64 * 1024];
const CHUNKS: usize = 1600;

/// A request as the receiver saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Received {
    /// The headers, with `?` for what is no text.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// The status of the answer; 0 when it had none.
    pub status: u16,
}

/// The running receiver.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// Its base URL; webhooks go to `/hook` under it.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Faults,
    received: Mutex<Vec<Received>>,
    elsewhere: AtomicUsize,
    sent_bytes: AtomicUsize,
}

impl Webhooks {
    /// Starts it on `port`; 0 for a free one.
    pub(crate) async fn start(port: u16) -> Result<Self, StackError> {
        let shared = Arc::new(Shared::default());
        let routes = Router::new().route("/hook", post(hook)).fallback(elsewhere).layer(DefaultBodyLimit::max(MOST_BYTES));
        let routes = routes.with_state(Arc::clone(&shared));
        Ok(Self { url: service::serve("the webhook", port, routes).await?, shared })
    }

    /// Makes the next answers go wrong; `table`, `operation` and `item` mean nothing here.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.inject(fault.of_everything());
    }

    /// Makes all answers right again.
    pub fn clear(&self) {
        self.shared.faults.clear();
    }

    /// What came to `/hook` so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received().clone()
    }

    /// How many requests came to any other path, as after a redirect.
    pub fn elsewhere(&self) -> usize {
        self.shared.elsewhere.load(Ordering::SeqCst)
    }

    /// How many bytes of answers that are too long were taken off this end. What the system buffers between here and a client counts, so
    /// a client that stops at once still lets some MiB go.
    pub fn sent_bytes(&self) -> usize {
        self.shared.sent_bytes.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, headers: &HeaderMap, body: &[u8], status: u16) {
        let text = |value: &HeaderValue| value.to_str().unwrap_or("?").to_owned();
        let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        self.received().push(Received { headers, body: String::from_utf8_lossy(body).into_owned(), status });
    }
}

/// Where a redirect leads: nothing may ever ask here.
async fn elsewhere(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.elsewhere.fetch_add(1, Ordering::SeqCst);
    StatusCode::NOT_FOUND
}

async fn hook(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let fault = shared.faults.take(&[], "", &[]).map(|(mode, _)| mode);
    let status = match fault {
        Some(Mode::Timeout) => 0,
        Some(Mode::Error) => 500,
        Some(Mode::Throttle) => 429,
        Some(Mode::Status(status)) => status,
        _ => 200,
    };
    shared.record(&headers, &body, status);
    let mut response = match fault {
        Some(Mode::Timeout) => std::future::pending().await,
        Some(Mode::Malformed) => too_long(shared),
        Some(Mode::LostReply) => cut(),
        _ => Response::new(Body::empty()),
    };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if matches!(fault, Some(Mode::Status(_))) {
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/elsewhere"));
    }
    response
}

/// No length is told, so that only a client that counts can stop.
fn too_long(shared: Arc<Shared>) -> Response<Body> {
    let chunks = (0..CHUNKS).map(move |_| {
        shared.sent_bytes.fetch_add(CHUNK.len(), Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from_static(&CHUNK))
    });
    Response::new(Body::from_stream(stream::iter(chunks)))
}

/// The headers promise more than comes.
fn cut() -> Response<Body> {
    let end = async {
        // Without a turn in between, the server gives up before it has written the headers.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut"))
    };
    let parts = stream::iter([Ok(Bytes::from_static(b"half"))]).chain(stream::once(end));
    let mut response = Response::new(Body::from_stream(parts));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("100"));
    response
}
