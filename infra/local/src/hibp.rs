//! The breach service on this machine: HaveIBeenPwned's range API over the common-password list, with counts that never change, and
//! with faults.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use palisade_core::Password;
use palisade_core::breach::RangeKey;
use palisade_core::password::common_passwords;

use crate::faults::{Fault, Faults, Mode};
use crate::service;
use crate::stack::StackError;

/// A request as the service saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The prefix.
    pub prefix: String,
    /// The headers.
    pub headers: HeaderMap,
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Hibp {
    /// Its base URL.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Faults,
    asked: Mutex<Vec<Asked>>,
    canned: Mutex<Option<Vec<u8>>>,
}

impl Hibp {
    /// Starts it on `port`; 0 for a free one.
    pub(crate) async fn start(port: u16) -> Result<Self, StackError> {
        let shared = Arc::new(Shared::default());
        let routes = Router::new().route("/range/{prefix}", get(range)).fallback(elsewhere).with_state(Arc::clone(&shared));
        Ok(Self { url: service::serve("the breach service", port, routes).await?, shared })
    }

    /// Makes the next answers go wrong; `table` and `operation` mean nothing here.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.inject(fault.of_everything());
    }

    /// Makes all answers right again.
    pub fn clear(&self) {
        self.shared.faults.clear();
        *self.canned() = None;
    }

    /// Answers every range with `body` from now on.
    pub fn answer_with(&self, body: impl Into<Vec<u8>>) {
        *self.canned() = Some(body.into());
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn canned(&self) -> std::sync::MutexGuard<'_, Option<Vec<u8>>> {
        self.shared.canned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a redirect leads: nothing may ever ask here.
async fn elsewhere(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> StatusCode {
    shared.ask("elsewhere", headers);
    StatusCode::NOT_FOUND
}

impl Shared {
    fn ask(&self, prefix: &str, headers: HeaderMap) {
        let asked = Asked { prefix: prefix.to_owned(), headers };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }
}

async fn range(State(shared): State<Arc<Shared>>, Path(prefix): Path<String>, headers: HeaderMap) -> Response<Body> {
    shared.ask(&prefix, headers);
    let fault = shared.faults.take(&[], "", &[]).map(|(mode, _)| mode);
    let body = shared.canned.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let body = body.unwrap_or_else(|| answer(&prefix).into_bytes());
    match fault {
        Some(Mode::Timeout) => std::future::pending().await,
        Some(Mode::Error) => plain(StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
        Some(Mode::Throttle) => plain(StatusCode::TOO_MANY_REQUESTS, Vec::new()),
        Some(Mode::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = plain(status, body);
            response.headers_mut().insert(header::LOCATION, header::HeaderValue::from_static("/elsewhere"));
            response
        }
        Some(Mode::Malformed) => plain(StatusCode::OK, b"<html>not a range</html>".to_vec()),
        // The headers promise more than comes.
        Some(Mode::LostReply) => {
            let half = Bytes::copy_from_slice(body.get(..body.len() / 2).unwrap_or_default());
            let cut = [Ok(half), Err(std::io::Error::other("cut"))];
            Response::new(Body::from_stream(futures_util::stream::iter(cut)))
        }
        Some(
            Mode::NoReply
            | Mode::Cancelled(_)
            | Mode::Stale
            | Mode::UnprocessedKeys
            | Mode::UnprocessedAccounts
            | Mode::EmptyPage
            | Mode::Panic
            | Mode::Killed
            | Mode::Hold
            | Mode::Shuffle,
        )
        | None => plain(StatusCode::OK, body),
    }
}

fn plain(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

/// The range of `prefix`: the listed passwords in it, padded to twenty lines as the service pads.
fn answer(prefix: &str) -> String {
    let mut body = String::new();
    for (suffix, count) in ranges().get(prefix).into_iter().flatten() {
        // Writing to a string never fails.
        let _written = write!(body, "{suffix}:{count}\r\n");
    }
    for n in body.lines().count()..20 {
        let _written = write!(body, "{n:035X}:0\r\n");
    }
    body
}

type Ranges = BTreeMap<String, Vec<(String, u64)>>;

/// Every listed password under its prefix. Counts run from 1 to 199 by the place in the list: below, between and above the thresholds.
fn ranges() -> &'static Ranges {
    static RANGES: OnceLock<Ranges> = OnceLock::new();
    RANGES.get_or_init(|| {
        let mut ranges = Ranges::new();
        for (place, password) in (0_u64..).zip(common_passwords()) {
            if let Some(password) = Password::new(password) {
                let key = RangeKey::of(&password);
                ranges.entry(key.prefix().to_owned()).or_default().push((key.suffix().to_owned(), 1 + place % 199));
            }
        }
        ranges
    })
}
