//! The breach service: HaveIBeenPwned's range API (requirements r15 to r18). Five hexadecimal digits of a SHA-1 leave, nothing else of a
//! password or of whose it is.
//!
//! Anything but a well-formed 200 in time means that nothing is known. After [`FAILURES_TO_OPEN`] failures in a row nothing is asked
//! for [`OPEN_FOR`]; ranges are remembered for [`REMEMBERED_FOR`], [`MOST_REMEMBERED`] at most, the oldest forgotten first.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use palisade_core::breach::{Breach, RangeKey, Reason};
use palisade_core::settings::Settings;
use palisade_core::{Password, Timestamp};
use reqwest::{Client, StatusCode, redirect};

/// Failures in a row after which nothing is asked for a while.
pub const FAILURES_TO_OPEN: u32 = 5;

/// For how long.
pub const OPEN_FOR: Duration = Duration::from_secs(30);

/// For how long a range is remembered; the service itself lets caches keep it longer.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(1);

/// How many ranges are: some 40 KB each.
pub const MOST_REMEMBERED: usize = 16;

/// The most that is read of an answer; real ranges are a tenth of it.
const MAX_BYTES: usize = 512 * 1024;

/// Asks, remembers and gives up.
#[derive(Debug)]
pub struct Hibp {
    base_url: String,
    connect_timeout: Duration,
    timeout: Duration,
    /// Made when it is first needed: reading the system's trusted roots takes longer than everything else of a start.
    client: OnceLock<Option<Client>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ranges: VecDeque<Range>,
    failures_in_a_row: u32,
    open_until: Option<Timestamp>,
}

#[derive(Debug)]
struct Range {
    prefix: String,
    fetched_at: Timestamp,
    body: String,
}

/// Names ring as this process's TLS: what every client of `reqwest` needs before it is built.
pub fn install_tls() {
    // Fails when it is installed already, which is as well.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// What went wrong with one request.
struct Failure {
    reason: Reason,
    /// Whether a second request could fare better.
    worth_repeating: bool,
}

impl Hibp {
    /// For the service that `settings` name.
    pub fn new(settings: &Settings) -> Self {
        Self::within(settings.timeouts.hibp, settings)
    }

    /// The same, with less time: `timeout` in all.
    pub fn within(timeout: Duration, settings: &Settings) -> Self {
        Self {
            base_url: settings.hibp_url.clone(),
            connect_timeout: settings.timeouts.hibp_connect.min(timeout),
            timeout,
            client: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// What the service says of `password`, within the time limit of the settings, both requests together.
    pub async fn check(&self, password: &Password, now: Timestamp) -> Breach {
        let key = RangeKey::of(password);
        if let Some(known) = self.remembered(&key, now) {
            return known;
        }
        if self.is_open(now) {
            return Breach::Unknown(Reason::BreakerOpen);
        }
        let body = match tokio::time::timeout(self.timeout, self.fetch(key.prefix())).await {
            Ok(Ok(body)) => body,
            Ok(Err(failure)) => return self.failed(failure.reason, now),
            Err(_) => return self.failed(Reason::Unreachable, now),
        };
        match key.look_up(&body) {
            Breach::Unknown(reason) => self.failed(reason, now),
            known => {
                self.remember(Range { prefix: key.prefix().to_owned(), fetched_at: now, body });
                known
            }
        }
    }

    /// The range, with one repetition where that may help.
    async fn fetch(&self, prefix: &str) -> Result<String, Failure> {
        match self.fetch_once(prefix).await {
            Err(failure) if failure.worth_repeating => self.fetch_once(prefix).await,
            done => done,
        }
    }

    async fn fetch_once(&self, prefix: &str) -> Result<String, Failure> {
        let unreachable = || Failure { reason: Reason::Unreachable, worth_repeating: true };
        let client = self.client.get_or_init(|| self.build()).as_ref().ok_or_else(unreachable)?;
        let request = client.get(format!("{}/range/{prefix}", self.base_url)).header("add-padding", "true");
        let mut response = request.send().await.map_err(|_| unreachable())?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(Failure { reason: Reason::Status, worth_repeating: status.is_server_error() });
        }
        let malformed = || Failure { reason: Reason::Malformed, worth_repeating: false };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| unreachable())? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(malformed());
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| malformed())
    }

    fn build(&self) -> Option<Client> {
        install_tls();
        Client::builder()
            .user_agent(concat!("Palisade/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .redirect(redirect::Policy::none())
            .https_only(self.base_url.starts_with("https://"))
            .no_proxy()
            .build()
            .ok()
    }

    fn remembered(&self, key: &RangeKey, now: Timestamp) -> Option<Breach> {
        let state = self.state();
        let is_it = |range: &&Range| range.prefix == key.prefix() && now < range.fetched_at.plus(REMEMBERED_FOR);
        state.ranges.iter().find(is_it).map(|range| key.look_up(&range.body))
    }

    fn remember(&self, range: Range) {
        let mut state = self.state();
        state.failures_in_a_row = 0;
        state.ranges.retain(|known| known.prefix != range.prefix);
        state.ranges.push_back(range);
        while state.ranges.len() > MOST_REMEMBERED {
            state.ranges.pop_front();
        }
    }

    fn is_open(&self, now: Timestamp) -> bool {
        self.state().open_until.is_some_and(|until| now < until)
    }

    fn failed(&self, reason: Reason, now: Timestamp) -> Breach {
        let mut state = self.state();
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        if state.failures_in_a_row >= FAILURES_TO_OPEN {
            state.open_until = Some(now.plus(OPEN_FOR));
        }
        Breach::Unknown(reason)
    }

    /// How many ranges are remembered.
    pub fn remembered_ranges(&self) -> usize {
        self.state().ranges.len()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
