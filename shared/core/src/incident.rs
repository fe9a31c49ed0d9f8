//! Something an operator should know: one record per kind, subject and window, however often it happens in it.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::timestamp::Timestamp;

/// How long occurrences of one kind on one subject are one incident: a quarter of an hour.
const WINDOW_S: i64 = 900;

/// What happened; the public words are closed, more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentKind {
    /// Somebody guesses passwords: at one address, of one account, or spread over many.
    BruteForce,
    /// An address tried many names.
    UsernameEnumeration,
    /// A login that is probably not its owner's.
    AnomalousLogin,
    /// A session in two hands, or the use of a replaced one.
    SessionHijacking,
}

impl IncidentKind {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BruteForce => "brute_force",
            Self::UsernameEnumeration => "username_enumeration",
            Self::AnomalousLogin => "anomalous_login",
            Self::SessionHijacking => "session_hijacking",
        }
    }

    /// How bad it is (requirement r50).
    pub fn severity(self) -> IncidentSeverity {
        match self {
            // Everybody behind one address tries many names.
            Self::UsernameEnumeration => IncidentSeverity::Low,
            Self::AnomalousLogin => IncidentSeverity::Medium,
            Self::BruteForce | Self::SessionHijacking => IncidentSeverity::High,
        }
    }
}

/// How bad an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One occurrence of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// What.
    pub kind: IncidentKind,
    /// Of whom or what: an account's public id, the pseudonym of a name that has none, an address prefix, or `all`.
    pub subject: String,
    /// Why it was taken for one, as a stable word.
    pub reason: &'static str,
    /// Where from.
    pub ip: String,
    /// When.
    pub at: Timestamp,
}

impl Occurrence {
    /// An occurrence about `account`.
    pub fn about(account: &Account, kind: IncidentKind, reason: &'static str, ip: String, at: Timestamp) -> Self {
        Self { kind, subject: account.subject.as_str().to_owned(), reason, ip, at }
    }

    /// An occurrence about something that is no account.
    pub fn of(subject: &str, kind: IncidentKind, reason: &'static str, ip: String, at: Timestamp) -> Self {
        Self { kind, subject: subject.to_owned(), reason, ip, at }
    }

    /// The id of its record: the same for all of one kind, subject and window.
    pub fn incident_id(&self) -> String {
        let window = self.at.seconds().div_euclid(WINDOW_S);
        let digest = Sha256::digest(format!("{}\n{}\n{window}", self.kind.as_str(), self.subject));
        Base64UrlUnpadded::encode_string(digest.split_at(16).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_per_kind_subject_and_quarter_of_an_hour() {
        let at = |subject: &str, seconds: i64| Occurrence {
            kind: IncidentKind::SessionHijacking,
            subject: subject.into(),
            reason: "x",
            ip: String::new(),
            at: Timestamp::from_seconds(seconds),
        };
        assert_eq!(at("a", 900).incident_id(), at("a", 1_799).incident_id());
        assert_ne!(at("a", 900).incident_id(), at("a", 1_800).incident_id());
        assert_ne!(at("a", 900).incident_id(), at("b", 900).incident_id());
        assert_eq!(at("a", 900).incident_id().len(), 22);
    }
}
