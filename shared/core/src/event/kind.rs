//! The closed list of events, how loud each is, and which log it belongs to.

use serde::Serialize;

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
    /// Somebody guesses passwords: at one address, of one account, or spread over many.
    BruteForce,
    /// A login that is probably not its owner's.
    AnomalousLogin,
    /// A limit would have refused, if limits were enforced.
    LimitMonitored,
    /// The process started without enforcing limits.
    LimitsNotEnforced,
    /// A request came from an address that an operator blocked.
    AddressBlocked,
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
    /// A session was used from another network or browser, and goes along.
    SessionMoved,
    /// A session was used where it does not belong; it ended.
    SessionIntegrityViolation,
    /// A session was in two hands; all of the account ended.
    SessionHijacking,
    /// A replaced session was used; all of the account ended.
    AuthnTokenReuse,
    /// Its owner ended sessions.
    SessionRevoked,
    /// A password was given again within a session.
    AuthnReauthenticated,
    /// A wrong password was given within a session.
    AuthnReauthenticateFail,
    /// A password known from breaches was refused or, below the threshold, let pass.
    BreachedPassword,
    /// The breach service gave no answer that can be trusted.
    BreachUnknown,
    /// A stored password cannot be used as it is.
    CorruptCredential,
    /// A stored item had impossible values.
    CorruptItem,
    /// An operator did something with an incident.
    IncidentUpdated,
    /// An operator acted on what an incident is about.
    IncidentContained,
    /// Somebody asked for what their role does not reach.
    AuthzFail,
    /// A message went to operators.
    AlertSent,
    /// A message went to a user.
    NoticeSent,
    /// A user had their number of messages of this kind for the day.
    NoticeHeldBack,
    /// A message could not be sent; it is tried again.
    AlertFailed,
    /// A record of a stream cannot be read; it is kept aside.
    RecordSetAside,
    /// A dependency failed while a request was decided.
    DependencyFailed,
    /// The request's deadline passed before it was decided.
    DeadlineExceeded,
    /// A handler panicked.
    HandlerPanicked,
}

impl EventKind {
    /// Every kind, for the documentation and its test.
    pub const ALL: [Self; 47] = [
        Self::AuthnLoginSuccess,
        Self::AuthnLoginFail,
        Self::ExcessRateLimitExceeded,
        Self::RateLimitExempted,
        Self::UsernameEnumeration,
        Self::BruteForce,
        Self::AnomalousLogin,
        Self::LimitMonitored,
        Self::LimitsNotEnforced,
        Self::AddressBlocked,
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
        Self::SessionMoved,
        Self::SessionIntegrityViolation,
        Self::SessionHijacking,
        Self::AuthnTokenReuse,
        Self::SessionRevoked,
        Self::AuthnReauthenticated,
        Self::AuthnReauthenticateFail,
        Self::BreachedPassword,
        Self::BreachUnknown,
        Self::CorruptCredential,
        Self::CorruptItem,
        Self::IncidentUpdated,
        Self::IncidentContained,
        Self::AuthzFail,
        Self::AlertSent,
        Self::NoticeSent,
        Self::NoticeHeldBack,
        Self::AlertFailed,
        Self::RecordSetAside,
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
            | Self::UserCreated
            | Self::SessionMoved
            | Self::SessionRevoked
            | Self::IncidentUpdated
            | Self::AlertSent
            | Self::NoticeSent
            | Self::AuthnReauthenticated => Severity::Info,
            Self::AuthnLoginFail
            | Self::ExcessRateLimitExceeded
            | Self::MaliciousCsrf
            | Self::CookieAmbiguous
            | Self::InputMixedScripts
            | Self::UsernameEnumeration
            | Self::BruteForce
            | Self::AnomalousLogin
            | Self::LimitMonitored
            | Self::AddressBlocked
            | Self::ClientAddressMissing
            | Self::AuthnPasswordChangeFail
            | Self::AuthnGrantFail
            | Self::SessionRejected
            | Self::SessionEnded
            | Self::BreachedPassword
            | Self::BreachUnknown
            | Self::SessionIntegrityViolation
            | Self::IncidentContained
            | Self::AuthzFail
            | Self::NoticeHeldBack
            | Self::AuthnReauthenticateFail => Severity::Warning,
            Self::CorruptCredential
            | Self::CorruptItem
            | Self::AlertFailed
            | Self::RecordSetAside
            | Self::DependencyFailed
            | Self::DeadlineExceeded => Severity::Error,
            Self::HandlerPanicked | Self::LimitsNotEnforced | Self::SessionHijacking | Self::AuthnTokenReuse => Severity::Critical,
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
            | Self::SessionEnded
            | Self::SessionMoved
            | Self::SessionRevoked
            | Self::AuthnReauthenticated
            | Self::IncidentUpdated
            | Self::IncidentContained
            | Self::AuthzFail
            | Self::NoticeSent
            | Self::AuthnReauthenticateFail => Target::AuthAudit,
            Self::ExcessRateLimitExceeded
            | Self::RateLimitExempted
            | Self::UsernameEnumeration
            | Self::BruteForce
            | Self::AnomalousLogin
            | Self::LimitMonitored
            | Self::LimitsNotEnforced
            | Self::AddressBlocked
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
            | Self::HandlerPanicked
            | Self::SessionIntegrityViolation
            | Self::SessionHijacking
            | Self::AlertSent
            | Self::NoticeHeldBack
            | Self::AlertFailed
            | Self::RecordSetAside
            | Self::AuthnTokenReuse => Target::Security,
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
