//! The closed list of events, how loud each is, and which log it belongs to.

use serde::Serialize;

/// One row per event: what happened, how loud it is, and which log it belongs to.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $kind:ident: $severity:ident, $target:ident;)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum EventKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl EventKind {
            /// Every kind, for the documentation and its test.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// How loud it is, and which log it belongs to.
            const fn row(self) -> (Severity, Target) {
                match self {
                    $(Self::$kind => (Severity::$severity, Target::$target),)+
                }
            }
        }
    };
}

events! {
    /// A login succeeded.
    AuthnLoginSuccess: Info, AuthAudit;
    /// A login failed: unknown name, wrong password, disabled account.
    AuthnLoginFail: Warning, AuthAudit;
    /// A limit refused a request.
    ExcessRateLimitExceeded: Warning, Security;
    /// An address passed a limit while it was allowlisted or a known device's, and was let through.
    RateLimitExempted: Info, Security;
    /// An address tried its eleventh name in the hour.
    UsernameEnumeration: Warning, Security;
    /// Somebody guesses passwords: at one address, of one account, or spread over many.
    BruteForce: Warning, Security;
    /// A login that is probably not its owner's.
    AnomalousLogin: Warning, Security;
    /// A limit would have refused, if limits were enforced.
    LimitMonitored: Warning, Security;
    /// The process started without enforcing limits.
    LimitsNotEnforced: Critical, Security;
    /// A request came from an address that an operator blocked.
    AddressBlocked: Warning, Security;
    /// A session was issued.
    SessionCreated: Info, AuthAudit;
    /// A session that was presented with a login ended.
    SessionReplaced: Info, AuthAudit;
    /// A request came from another site.
    MaliciousCsrf: Warning, Security;
    /// The same cookie came twice.
    CookieAmbiguous: Warning, Security;
    /// An identifier mixed scripts.
    InputMixedScripts: Warning, Security;
    /// An event carried no client address.
    ClientAddressMissing: Warning, Security;
    /// A password was changed by its owner.
    AuthnPasswordChange: Info, AuthAudit;
    /// A change was refused: wrong current password, rules not met, or somebody was faster.
    AuthnPasswordChangeFail: Warning, AuthAudit;
    /// A reset was asked for; nothing tells whether the name exists.
    AuthnPasswordResetRequest: Info, AuthAudit;
    /// A password was reset with a grant.
    AuthnPasswordReset: Info, AuthAudit;
    /// A grant was refused: unknown, used, too old, or with the wrong password.
    AuthnGrantFail: Warning, AuthAudit;
    /// A sign-up waits for its confirmation; nothing tells whether the name was free.
    UserSignedUp: Info, AuthAudit;
    /// An account was made.
    UserCreated: Info, AuthAudit;
    /// A session was presented that is not alive.
    SessionRejected: Warning, AuthAudit;
    /// A session was ended for wrong passwords given in it.
    SessionEnded: Warning, AuthAudit;
    /// A session was used from another network or browser, and goes along.
    SessionMoved: Info, AuthAudit;
    /// A session was used where it does not belong; it ended.
    SessionIntegrityViolation: Warning, Security;
    /// A session was in two hands; all of the account ended.
    SessionHijacking: Critical, Security;
    /// A replaced session was used; all of the account ended.
    AuthnTokenReuse: Critical, Security;
    /// Its owner ended sessions.
    SessionRevoked: Info, AuthAudit;
    /// A password was given again within a session.
    AuthnReauthenticated: Info, AuthAudit;
    /// A wrong password was given within a session.
    AuthnReauthenticateFail: Warning, AuthAudit;
    /// A password known from breaches was refused or, below the threshold, let pass.
    BreachedPassword: Warning, Security;
    /// The breach service gave no answer that can be trusted.
    BreachUnknown: Warning, Security;
    /// A stored password cannot be used as it is.
    CorruptCredential: Error, Security;
    /// A stored item had impossible values.
    CorruptItem: Error, Security;
    /// A sign-up to a user pool was refused.
    SignUpRefused: Warning, AuthAudit;
    /// A sign-in to a user pool may be tried.
    LoginAttempted: Info, AuthAudit;
    /// A code was sent to whoever signs in.
    CodeSent: Info, AuthAudit;
    /// A code was wrong, too old, or guessed at too often.
    CodeFail: Warning, AuthAudit;
    /// A code was right.
    CodeSuccess: Info, AuthAudit;
    /// A user pool was told to make no tokens.
    TokenRefused: Warning, AuthAudit;
    /// A user moved into a user pool.
    UserMigrated: Info, AuthAudit;
    /// A user was not let into a user pool.
    UserMigrationFail: Warning, AuthAudit;
    /// Somebody takes over, or tries to take over, an account of a user pool.
    AccountTakeover: Critical, Security;
    /// A new password was set in a user pool, and not everything of before could be ended.
    ResetIncomplete: Critical, Security;
    /// A user pool called with something that is not known here; it passed through unchanged.
    TriggerUnknown: Warning, Security;
    /// An operator did something with an incident.
    IncidentUpdated: Info, AuthAudit;
    /// An operator acted on what an incident is about.
    IncidentContained: Warning, AuthAudit;
    /// Somebody asked for what their role does not reach.
    AuthzFail: Warning, AuthAudit;
    /// A message went to operators.
    AlertSent: Info, Security;
    /// A message went to a user.
    NoticeSent: Info, AuthAudit;
    /// A user had their number of messages of this kind for the day.
    NoticeHeldBack: Warning, Security;
    /// A message could not be sent; it is tried again.
    AlertFailed: Error, Security;
    /// A record of a stream cannot be read; it is kept aside.
    RecordSetAside: Error, Security;
    /// A dependency failed while a request was decided.
    DependencyFailed: Error, Security;
    /// The request's deadline passed before it was decided.
    DeadlineExceeded: Error, Security;
    /// A handler panicked.
    HandlerPanicked: Critical, Security;
}

impl EventKind {
    /// How loud it is.
    pub fn severity(self) -> Severity {
        self.row().0
    }

    /// Which log it belongs to.
    pub fn target(self) -> Target {
        self.row().1
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
