//! What incidents there are, and how bad each is.

use serde::Serialize;

/// What happened; the public words are closed, more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Somebody guesses passwords: at one address, of one account, or spread over many.
    BruteForce,
    /// An address tried many names.
    UsernameEnumeration,
    /// A session in two hands, or the use of a replaced one.
    SessionHijacking,
    /// A session used where it does not belong.
    SessionIntegrityViolation,
    /// A login that is probably not its owner's.
    AnomalousLogin,
    /// Somebody signed in with a password known from breaches.
    BreachedPassword,
    /// A stored password that cannot be used as it is.
    CorruptCredential,
    /// More requests than an address, or an account, may make.
    RateLimitAbuse,
    /// A login of a Cognito user that is probably not its owner's.
    CognitoAccountTakeover,
}

impl IncidentKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::BruteForce,
        Self::UsernameEnumeration,
        Self::SessionHijacking,
        Self::SessionIntegrityViolation,
        Self::AnomalousLogin,
        Self::BreachedPassword,
        Self::CorruptCredential,
        Self::RateLimitAbuse,
        Self::CognitoAccountTakeover,
    ];

    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BruteForce => "brute_force",
            Self::UsernameEnumeration => "username_enumeration",
            Self::SessionHijacking => "session_hijacking",
            Self::SessionIntegrityViolation => "session_integrity_violation",
            Self::AnomalousLogin => "anomalous_login",
            Self::BreachedPassword => "breached_password",
            Self::CorruptCredential => "corrupt_credential",
            Self::RateLimitAbuse => "rate_limit_abuse",
            Self::CognitoAccountTakeover => "cognito_account_takeover",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How bad it is (requirement r50).
    pub fn severity(self) -> IncidentSeverity {
        match self {
            // Everybody behind one address tries many names, and asks often.
            Self::UsernameEnumeration | Self::RateLimitAbuse => IncidentSeverity::Low,
            // A telephone that changes networks; a password that its owner has to change now.
            Self::AnomalousLogin | Self::SessionIntegrityViolation | Self::BreachedPassword => IncidentSeverity::Medium,
            Self::BruteForce | Self::CorruptCredential => IncidentSeverity::High,
            Self::SessionHijacking | Self::CognitoAccountTakeover => IncidentSeverity::Critical,
        }
    }
}

/// How bad an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentSeverity {
    /// To be known.
    Low,
    /// To be looked at.
    Medium,
    /// To be looked at today.
    High,
    /// To be looked at now.
    Critical,
}

impl IncidentSeverity {
    /// Every severity.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        assert!(IncidentKind::ALL.into_iter().all(|kind| IncidentKind::parse(kind.as_str()) == Some(kind)));
        assert!(IncidentSeverity::ALL.into_iter().all(|severity| IncidentSeverity::parse(severity.as_str()) == Some(severity)));
        assert_eq!(IncidentKind::parse("fire"), None);
    }
}
