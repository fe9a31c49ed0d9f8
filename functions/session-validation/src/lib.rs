//! The authorizer in front of the user's own API.
//!
//! Trigger: API Gateway's REQUEST authorizer events of HTTP APIs (payload 2.0 and 1.0) and REST APIs, and TOKEN events of REST APIs where a
//! setting accepts that they carry nothing to bind a session to. Outcomes: whoever a live session belongs to, with `account_id`,
//! `session_id`, `role` and `auth_time` for the functions behind; else the refusal of that form, one constant for every reason, also when
//! the store fails, the deadline passes or the handler panics. Tables: accounts, sessions, counters (read, write), incidents and notices (write).

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use palisade_core::assess::Seen;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::session::SessionKey;
use palisade_core::settings::{AuthorizerSettings, Settings};
use palisade_core::{ClientIp, Denial, Fault};
use palisade_edge::authorizer::{self, Asked, Form};
use palisade_edge::{Front, Outcome, session, telemetry};
use palisade_flows::authorize::{self, Bearer};
use palisade_flows::{Hasher, Parts};

pub use palisade_flows::authorize::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Methods that change nothing (RFC 9110, 9.2.1).
const SAFE_METHODS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    flow: authorize::Deps,
    front: Front,
    deadline: Duration,
    answers: AuthorizerSettings,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        Ok(Self {
            flow: authorize::Deps::new(settings, parts)?,
            front: Front::of(settings),
            deadline: settings.timeouts.validation,
            answers: settings.authorizer,
        })
    }

    /// Nothing hashes passwords here; the local stack makes every function alike.
    ///
    /// # Errors
    /// See [`Deps::new`].
    pub fn with_hasher(settings: &Settings, parts: &Parts, _: Hasher) -> Result<Self, Fault> {
        Self::new(settings, parts)
    }

    /// Connects to the store before the first request.
    pub async fn warm_up(&self) {
        self.flow.warm_up().await;
    }
}

/// One call, from the event's text to the decision.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        let read = || authorizer::read(&event, deps.answers.policies, &deps.front.trusted_proxies);
        let asked = std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Asked::nobody(Form::Rest));
        let mut trail = Trail::new(asked.client_ip, &asked.user_agent());
        let work = AssertUnwindSafe(bearer(&deps, &asked, &mut trail)).catch_unwind();
        let decided = tokio::time::timeout(deps.deadline, work).await;
        let outcome = match decided {
            Ok(Ok(Some(bearer))) => allow(&asked, &bearer),
            // The hook has told of a panic.
            Ok(Ok(None) | Err(_)) => asked.deny(),
            Err(_) => {
                trail.note(EventKind::DeadlineExceeded);
                asked.deny()
            }
        };
        let id = asked.request_id.clone().unwrap_or(request_id);
        telemetry::emit_of(&id, &asked.method, &asked.path, trail.into_events());
        outcome
    })
}

/// Whoever may go on; `None` for nobody, whatever the reason.
async fn bearer(deps: &Deps, asked: &Asked, trail: &mut Trail) -> Option<Bearer> {
    let (key, seen) = presented(deps, asked, trail).ok()?;
    match authorize::authorize(&deps.flow, &key, seen.as_ref(), deps.flow.now(), trail).await {
        Ok(bearer) => bearer,
        Err(fault) => {
            trail.record(Event::new(EventKind::DependencyFailed).reason(fault.chain()));
            None
        }
    }
}

/// The session that is presented, and where from; nowhere with a TOKEN event. Any other event without an address is nobody's: it is no
/// request that came through a gateway.
fn presented(deps: &Deps, asked: &Asked, trail: &mut Trail) -> Result<(SessionKey, Option<Seen>), Denial> {
    if let Some(token) = &asked.bare_token {
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        let key = deps.answers.allow_unbound.then(|| SessionKey::of_token(token)).flatten();
        return key.map(|key| (key, None)).ok_or(Denial::Unauthenticated);
    }
    if asked.client_ip == ClientIp::Unknown {
        trail.note(EventKind::ClientAddressMissing);
        return Err(Denial::Unauthenticated);
    }
    let presented = session::presented_in(&asked.headers, trail);
    if !SAFE_METHODS.contains(&asked.method.as_str()) {
        session::from_our_site(&deps.front, &asked.headers, presented.as_ref(), trail)?;
    }
    let seen = Seen { ip: asked.client_ip, user_agent: asked.user_agent() };
    presented.map(|presented| (presented.key, Some(seen))).ok_or(Denial::Unauthenticated)
}

fn allow(asked: &Asked, bearer: &Bearer) -> Outcome {
    let context = [
        ("account_id", bearer.account_id.clone()),
        ("session_id", bearer.session_id.clone()),
        ("role", bearer.role.to_owned()),
        ("auth_time", bearer.auth_time.seconds().to_string()),
    ];
    asked.allow(&bearer.account_id, &context)
}
