//! Something an operator should know: one record per kind, subject and window, however often it happens in it (requirements r43, r50 to
//! r56).
//!
//! Whoever decides writes an [`Occurrence`]; the record counts them, and operators work on it ([`record`]). Messages go out at
//! [`milestone`]s only, so that what happens a thousand times is told four times.

mod action;
mod kind;
pub mod record;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::keys::{AccountKey, is_of_16_bytes};
use crate::timestamp::Timestamp;

pub use kind::{IncidentKind, IncidentSeverity};
pub use record::{Incident, IncidentStatus};

/// How long occurrences of one kind on one subject are one incident: a quarter of an hour.
pub const WINDOW_S: i64 = 900;

/// At how many occurrences a message goes out.
pub const MILESTONES: [u64; 4] = [1, 10, 100, 1_000];

/// The last milestone that `occurrences` reached; `None` for none at all.
pub fn milestone(occurrences: u64) -> Option<u64> {
    MILESTONES.into_iter().rfind(|milestone| *milestone <= occurrences)
}

/// One occurrence of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// What.
    pub kind: IncidentKind,
    /// Of whom or what: an account's public id, the pseudonym of a name that has none, an address prefix, or `all`.
    pub subject: String,
    /// The account, where it is about one: what an operator's containment acts on. Never shown.
    pub account_key: Option<AccountKey>,
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
        Self { account_key: Some(account.key.clone()), ..Self::of(account.subject.as_str(), kind, reason, ip, at) }
    }

    /// An occurrence about something that is no account.
    pub fn of(subject: &str, kind: IncidentKind, reason: &'static str, ip: String, at: Timestamp) -> Self {
        Self { kind, subject: subject.to_owned(), account_key: None, reason, ip, at }
    }

    /// The id of its record: the same for all of one kind, subject and window.
    pub fn incident_id(&self) -> IncidentId {
        let window = self.at.seconds().div_euclid(WINDOW_S);
        let digest = Sha256::digest(format!("{}\n{}\n{window}", self.kind.as_str(), self.subject));
        IncidentId(Base64UrlUnpadded::encode_string(digest.split_at(16).0))
    }
}

/// The id of an incident: 128 bits as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(String);

impl IncidentId {
    /// `None` unless `text` is exactly what [`Occurrence::incident_id`] makes.
    pub fn parse(text: &str) -> Option<Self> {
        is_of_16_bytes(text).then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_per_kind_subject_and_quarter_of_an_hour() {
        let at = |subject: &str, seconds: i64| {
            let at = Timestamp::from_seconds(seconds);
            Occurrence::of(subject, IncidentKind::SessionHijacking, "x", String::new(), at).incident_id()
        };
        assert_eq!(at("a", 900), at("a", 1_799));
        assert_ne!(at("a", 900), at("a", 1_800));
        assert_ne!(at("a", 900), at("b", 900));
        assert_eq!(IncidentId::parse(at("a", 900).as_str()), Some(at("a", 900)));
    }

    #[test]
    fn al10_four_milestones_whatever_the_number() {
        let reached: Vec<Option<u64>> = [0, 1, 9, 10, 99, 100, 1_000, 50_000].into_iter().map(milestone).collect();
        assert_eq!(reached, [None, Some(1), Some(1), Some(10), Some(10), Some(100), Some(1_000), Some(1_000)]);
    }

    #[test]
    fn only_the_exact_form_is_an_id() {
        for bad in ["", "short", "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAB", "../../../../../../etc/p"] {
            assert_eq!(IncidentId::parse(bad), None, "{bad}");
        }
    }
}
