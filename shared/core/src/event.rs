//! What is written to the security log: a closed list of events with stable names (OWASP Logging Vocabulary where it has one).
//!
//! An event never holds a password, a token or an identifier: an account is named by its subject where it exists and by a keyed
//! pseudonym always, a session by a keyed pseudonym.

use serde::Serialize;

use crate::client_ip::ClientIp;
use crate::user_agent::UserAgent;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A login succeeded.
    AuthnLoginSuccess,
    /// A login failed: unknown name, wrong password, disabled account.
    AuthnLoginFail,
    /// A limit refused a request.
    ExcessRateLimitExceeded,
    /// An address passed a limit while it was allowlisted or a known device's, and was let through.
    RateLimitExempted,
    /// An address tried its eleventh name in the hour.
    UsernameEnumeration,
    /// A session was issued.
    SessionCreated,
    /// A session that was presented with a login ended.
    SessionReplaced,
    /// A request came from another site.
    MaliciousCsrf,
    /// The same cookie came twice.
    CookieAmbiguous,
    /// An identifier mixed scripts.
    InputMixedScripts,
    /// An event carried no client address.
    ClientAddressMissing,
    /// A password was changed by its owner.
    AuthnPasswordChange,
    /// A change was refused: wrong current password, rules not met, or somebody was faster.
    AuthnPasswordChangeFail,
    /// A reset was asked for; nothing tells whether the name exists.
    AuthnPasswordResetRequest,
    /// A password was reset with a grant.
    AuthnPasswordReset,
    /// A grant was refused: unknown, used, too old, or with the wrong password.
    AuthnGrantFail,
    /// A sign-up waits for its confirmation; nothing tells whether the name was free.
    UserSignedUp,
    /// An account was made.
    UserCreated,
    /// A session was presented that is not alive.
    SessionRejected,
    /// A session was ended for wrong passwords given in it.
    SessionEnded,
    /// A password known from breaches was refused or, below the threshold, let pass.
    BreachedPassword,
    /// The breach service gave no answer that can be trusted.
    BreachUnknown,
    /// A stored password cannot be used as it is.
    CorruptCredential,
    /// A stored item had impossible values.
    CorruptItem,
    /// A dependency failed while a request was decided.
    DependencyFailed,
    /// The request's deadline passed before it was decided.
    DeadlineExceeded,
    /// A handler panicked.
    HandlerPanicked,
}

impl EventKind {
    /// Every kind, for the documentation and its test.
    pub const ALL: [Self; 27] = [
        Self::AuthnLoginSuccess,
        Self::AuthnLoginFail,
        Self::ExcessRateLimitExceeded,
        Self::RateLimitExempted,
        Self::UsernameEnumeration,
        Self::SessionCreated,
        Self::SessionReplaced,
        Self::MaliciousCsrf,
        Self::CookieAmbiguous,
        Self::InputMixedScripts,
        Self::ClientAddressMissing,
        Self::AuthnPasswordChange,
        Self::AuthnPasswordChangeFail,
        Self::AuthnPasswordResetRequest,
        Self::AuthnPasswordReset,
        Self::AuthnGrantFail,
        Self::UserSignedUp,
        Self::UserCreated,
        Self::SessionRejected,
        Self::SessionEnded,
        Self::BreachedPassword,
        Self::BreachUnknown,
        Self::CorruptCredential,
        Self::CorruptItem,
        Self::DependencyFailed,
        Self::DeadlineExceeded,
        Self::HandlerPanicked,
    ];

    /// How loud it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::AuthnLoginSuccess
            | Self::SessionCreated
            | Self::SessionReplaced
            | Self::RateLimitExempted
            | Self::AuthnPasswordChange
            | Self::AuthnPasswordResetRequest
            | Self::AuthnPasswordReset
            | Self::UserSignedUp
            | Self::UserCreated => Severity::Info,
            Self::AuthnLoginFail
            | Self::ExcessRateLimitExceeded
            | Self::MaliciousCsrf
            | Self::CookieAmbiguous
            | Self::InputMixedScripts
            | Self::UsernameEnumeration
            | Self::ClientAddressMissing
            | Self::AuthnPasswordChangeFail
            | Self::AuthnGrantFail
            | Self::SessionRejected
            | Self::SessionEnded
            | Self::BreachedPassword
            | Self::BreachUnknown => Severity::Warning,
            Self::CorruptCredential | Self::CorruptItem | Self::DependencyFailed | Self::DeadlineExceeded => Severity::Error,
            Self::HandlerPanicked => Severity::Critical,
        }
    }

    /// Which log it belongs to.
    pub fn target(self) -> Target {
        match self {
            Self::AuthnLoginSuccess
            | Self::AuthnLoginFail
            | Self::SessionCreated
            | Self::SessionReplaced
            | Self::AuthnPasswordChange
            | Self::AuthnPasswordChangeFail
            | Self::AuthnPasswordResetRequest
            | Self::AuthnPasswordReset
            | Self::AuthnGrantFail
            | Self::UserSignedUp
            | Self::UserCreated
            | Self::SessionRejected
            | Self::SessionEnded => Target::AuthAudit,
            Self::ExcessRateLimitExceeded
            | Self::RateLimitExempted
            | Self::UsernameEnumeration
            | Self::MaliciousCsrf
            | Self::CookieAmbiguous
            | Self::InputMixedScripts
            | Self::ClientAddressMissing
            | Self::BreachedPassword
            | Self::BreachUnknown
            | Self::CorruptCredential
            | Self::CorruptItem
            | Self::DependencyFailed
            | Self::DeadlineExceeded
            | Self::HandlerPanicked => Target::Security,
        }
    }
}

/// How loud an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Ordinary.
    Info,
    /// Worth counting.
    Warning,
    /// Something is broken.
    Error,
    /// Somebody should look now.
    Critical,
}

/// The two logs (requirement r43).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `security`.
    Security,
    /// `auth_audit`.
    AuthAudit,
}

impl Target {
    /// The logger's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::AuthAudit => "auth_audit",
        }
    }
}

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
}

impl Event {
    /// An event with no field but its kind.
    pub fn new(event: EventKind) -> Self {
        Self { event, account_id: None, account: None, session: None, ip: None, user_agent: None, reason: None }
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

    /// Adds `event`.
    pub fn record(&mut self, event: Event) {
        self.events.push(Event {
            ip: self.ip.clone(),
            user_agent: self.user_agent.clone(),
            account: self.account.clone(),
            account_id: self.account_id.clone(),
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
