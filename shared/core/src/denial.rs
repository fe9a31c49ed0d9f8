//! Every way Palisade says no, as values with stable codes.
//!
//! A denial is an answer the rules gave; a [`crate::Fault`] is something that broke. Neither ever turns into the other.

use crate::account::MustChange;
use crate::password::Violation;

/// A refusal. Closed: the edge maps each one to status, code and headers in one exhaustive table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The request is not what the route takes.
    InvalidRequest(InvalidRequest),
    /// Unknown name, wrong password, disabled account, no usable password: one answer for all.
    InvalidCredentials,
    /// No session that is alive: unknown, expired, revoked, all alike.
    Unauthenticated,
    /// A one-time token that is unknown, used or too old, or does not belong to the password sent with it.
    InvalidGrant,
    /// A new password breaks rules: all of them.
    PasswordRejected(Vec<Violation>),
    /// The session may do nothing but change its password (requirement r14).
    PasswordChangeRequired(MustChange),
    /// The password must be given again within this session first.
    ReauthenticationRequired,
    /// There is one already, or somebody else was faster.
    Conflict,
    /// What is to be changed has another version than the one that was seen.
    StaleVersion,
    /// What is to be changed is not where this change begins.
    IllegalTransition,
    /// The request came from another site, or its token does not belong to the session.
    CsrfFailed,
    /// An operator blocked the address, or the account's role does not reach so far.
    Forbidden,
    /// There is no such route.
    NotFound,
    /// The route has other methods.
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: &'static str,
    },
    /// Body or headers are larger than what is read.
    PayloadTooLarge,
    /// The body is no JSON by its content type.
    UnsupportedMediaType,
    /// A limit is reached.
    RateLimited(RateLimited),
}

/// What is wrong with a request; each has one fixed sentence, so that nothing of the request is ever repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidRequest {
    /// The event is none that an HTTP route can be called with.
    Event,
    /// A header is malformed, or given twice with different values.
    Headers,
    /// The body is missing.
    NoBody,
    /// The body is not the JSON object that the route takes.
    Body,
    /// The identifier is no possible name.
    Identifier,
    /// The password is longer than 1024 bytes.
    PasswordTooLong,
    /// The query is not what the route takes.
    Query,
    /// The containment does not fit what the incident is about.
    Containment,
    /// A text is empty, longer than 2000 bytes, or has control characters.
    Text,
    /// A name or e-mail address is missing where it is the identifier, too long, or has characters that it cannot have.
    Attributes,
}

impl InvalidRequest {
    /// The sentence for the client.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Event => "This is not an HTTP request that API Gateway could have sent.",
            Self::Headers => "A header is malformed or given twice with different values.",
            Self::NoBody => "The request has no body.",
            Self::Body => "The body is not the JSON object that this route takes.",
            Self::Identifier => "The identifier is empty, too long, or has characters that names cannot have.",
            Self::Query => "The query is not what this route takes.",
            Self::Containment => "This action does not fit what the incident is about, or it would shut out whoever asks.",
            Self::Text => "A text is empty, longer than 2000 bytes, or has control characters.",
            Self::Attributes => "An e-mail address or name is missing, too long, or has characters that it cannot have.",
            Self::PasswordTooLong => "The password is longer than 1024 bytes.",
        }
    }
}

/// Which limit refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitReason {
    /// All requests of an address (r34).
    GlobalRateLimit,
    /// Sign-in requests of an address (r36).
    AuthRateLimit,
    /// Failed logins of an address (r35).
    FailedLogins,
    /// The account's own delay (r42).
    LoginDelay,
    /// Breach checks of an address.
    BreachCheckLimit,
    /// Password changes of an account.
    ChangeLimit,
    /// Requests of an account's sessions (r37).
    UserRateLimit,
}

impl LimitReason {
    /// The public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GlobalRateLimit => "global_rate_limit",
            Self::AuthRateLimit => "auth_rate_limit",
            Self::FailedLogins => "failed_logins",
            Self::LoginDelay => "login_delay",
            Self::BreachCheckLimit => "breach_check_limit",
            Self::ChangeLimit => "change_limit",
            Self::UserRateLimit => "user_rate_limit",
        }
    }
}

/// A limit that refused, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimited {
    /// Which.
    pub reason: LimitReason,
    /// How many are allowed in its window.
    pub limit: u64,
    /// Seconds until a request passes this limiter again, at least 1.
    pub retry_after: u64,
}
