//! What is written to the security log: a closed list of events with stable names (OWASP Logging Vocabulary where it has one).
//!
//! An event never holds a password, a token or an identifier: an account is named by its subject where it exists and by a keyed
//! pseudonym always, a session by a keyed pseudonym.

mod kind;

use serde::Serialize;

use crate::client_ip::ClientIp;
use crate::decision::Decision;
use crate::user_agent::UserAgent;

pub use kind::{EventKind, Severity, Target};

/// One line of the security log. Fields that do not apply are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What happened.
    pub event: EventKind,
    /// The account's public id, where it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// A keyed pseudonym of the account's storage key: the same for a name whether or not it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// A keyed pseudonym of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The browser's name, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The stable word for why: a limit's reason, what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A keyed pseudonym of the device that is known to the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Everything that decided, on the line of what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

impl Event {
    /// An event with no field but its kind.
    pub fn new(event: EventKind) -> Self {
        Self {
            event,
            account_id: None,
            account: None,
            session: None,
            ip: None,
            user_agent: None,
            reason: None,
            device: None,
            decision: None,
        }
    }

    /// With what decided.
    #[must_use]
    pub fn decision(self, decision: Decision) -> Self {
        Self { decision: Some(decision), ..self }
    }

    /// With the reason's stable word.
    #[must_use]
    pub fn reason(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}

/// The events of one request, each stamped with what is known of the request so far.
#[derive(Debug, Default)]
pub struct Trail {
    ip: Option<String>,
    user_agent: Option<String>,
    account: Option<String>,
    account_id: Option<String>,
    device: Option<String>,
    events: Vec<Event>,
}

impl Trail {
    /// The trail of a request from `ip` with `user_agent`.
    pub fn new(ip: ClientIp, user_agent: &UserAgent) -> Self {
        Self { ip: Some(ip.to_string()), user_agent: Some(user_agent.logged()), ..Self::default() }
    }

    /// From here on events name this account by its pseudonym.
    pub fn about(&mut self, account: String) {
        self.account = Some(account);
    }

    /// From here on events name this account by its public id as well.
    pub fn identified(&mut self, account_id: String) {
        self.account_id = Some(account_id);
    }

    /// From here on events name this device by its pseudonym.
    pub fn from_device(&mut self, device: String) {
        self.device = Some(device);
    }

    /// Adds `event`.
    pub fn record(&mut self, event: Event) {
        self.events.push(Event {
            ip: self.ip.clone(),
            user_agent: self.user_agent.clone(),
            account: self.account.clone(),
            // One that names its account by itself is about that one.
            account_id: event.account_id.or_else(|| self.account_id.clone()),
            device: self.device.clone(),
            ..event
        });
    }

    /// Adds an event of `kind`.
    pub fn note(&mut self, kind: EventKind) {
        self.record(Event::new(kind));
    }

    /// Adds an event of `kind` about the session that `pseudonym` stands for.
    pub fn record_session(&mut self, kind: EventKind, pseudonym: String) {
        self.record(Event { session: Some(pseudonym), ..Event::new(kind) });
    }

    /// What was recorded, in order.
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }
}
