//! What operators are sent of an incident, and how much of it (requirements r50 to r52).
//!
//! A message goes out when an incident reaches a milestone. Of those opened within one quarter of an hour the first [`ONE_BY_ONE`] incidents of a kind
//! are told one by one; of those that follow, one summary tells when the 1st, 10th, 100th … message was held back. So a kind makes at most
//! 10 × 4 + 1 + ⌊log₁₀ n⌋ messages a channel and quarter of an hour, n being those held back.
//!
//! A message names an account by its public id, a name without account by its pseudonym, and addresses in full, since they are what
//! operators act on. There is no identifier, e-mail address, password or token in it.

use serde::Serialize;

use crate::incident::{Incident, IncidentKind, IncidentSeverity, IncidentStatus, WINDOW_S};
use crate::timestamp::Timestamp;

/// How many incidents of a kind are told one by one in a window.
pub const ONE_BY_ONE: usize = 10;

/// What carries messages to operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The alerts topic.
    Alerts,
    /// The webhook.
    Webhook,
}

impl Channel {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Webhook => "webhook",
        }
    }
}

/// What is to be sent of an incident that reached a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// The incident itself.
    Itself,
    /// That so many messages were held back.
    Summary(u64),
    /// Nothing: a summary covers it.
    Nothing,
}

/// `held_back` is `None` for an incident among the first of its kind and window, else how many messages of it were held back, this one
/// among them; `told` is what the last summary said.
pub fn tell(held_back: Option<u64>, told: u64) -> Tell {
    match held_back {
        None => Tell::Itself,
        Some(held_back) if power_of_ten(held_back) > told => Tell::Summary(held_back),
        Some(_) => Tell::Nothing,
    }
}

/// The largest power of ten that is not above `number`; 0 for 0.
pub fn power_of_ten(number: u64) -> u64 {
    number.checked_ilog10().map_or(0, |power| 10_u64.pow(power))
}

/// The window that incidents opened at `at` count in.
pub fn window(at: Timestamp) -> i64 {
    at.seconds().div_euclid(WINDOW_S)
}

/// A message of an incident: the body on the topic and of the webhook.
#[derive(Debug, Serialize)]
pub struct AlertMessage<'a> {
    /// The same for every copy of the message: `<incident>.<milestone>`.
    pub id: String,
    /// The incident.
    pub incident_id: &'a str,
    /// What.
    pub r#type: IncidentKind,
    /// How bad.
    pub severity: IncidentSeverity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// When it last happened, RFC 3339.
    pub time: String,
    /// Who says so.
    pub source: &'static str,
    /// Grows with everything that operators do; a message with less is older.
    pub version: u64,
    /// How often it happened so far.
    pub occurrences: u64,
    /// Which of 1, 10, 100, 1000 was reached.
    pub milestone: u64,
    /// The rest.
    pub details: Details<'a>,
    /// Where operators look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What is known of it.
#[derive(Debug, Serialize)]
pub struct Details<'a> {
    /// Of whom or what.
    pub subject: &'a str,
    /// Why, as a stable word.
    pub reason: &'a str,
    /// Where from.
    pub ip: &'a str,
    /// When first, RFC 3339.
    pub created_at: String,
}

/// That messages were held back: the body on the topic and of the webhook.
#[derive(Debug, Serialize)]
pub struct SummaryMessage {
    /// The same for every copy of the message.
    pub id: String,
    /// Of which incidents.
    pub r#type: IncidentKind,
    /// How bad each is.
    pub severity: IncidentSeverity,
    /// When, RFC 3339.
    pub time: String,
    /// Who says so.
    pub source: &'static str,
    /// How many messages were held back so far.
    pub held_back: u64,
    /// Of incidents opened until then, from a quarter of an hour before, RFC 3339.
    pub until: String,
    /// Where operators look at them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

const SOURCE: &str = "palisade";

/// The board's address under `base_url`.
fn board(base_url: Option<&str>, of: &str) -> Option<String> {
    base_url.map(|base| format!("{base}/board{of}"))
}

impl<'a> AlertMessage<'a> {
    /// Of `incident`, which reached `milestone`.
    pub fn of(incident: &'a Incident, milestone: u64, base_url: Option<&str>) -> Self {
        let incident_id = incident.id.as_str();
        Self {
            id: format!("{incident_id}.{milestone}"),
            incident_id,
            r#type: incident.kind,
            severity: incident.severity,
            status: incident.status,
            time: incident.last_occurred_at.to_string(),
            source: SOURCE,
            version: incident.version,
            occurrences: incident.occurrences,
            milestone,
            details: Details {
                subject: &incident.subject,
                reason: &incident.reason,
                ip: &incident.ip,
                created_at: incident.created_at.to_string(),
            },
            link: board(base_url, &format!("#{incident_id}")),
        }
    }

    /// The subject of a mail: ASCII, below 100 characters, one line.
    pub fn subject_line(&self) -> String {
        format!("Palisade: {} {} ({})", self.severity.as_str(), self.r#type.as_str(), times(self.milestone))
    }

    /// The text of a mail.
    pub fn text(&self) -> String {
        let Details { subject, reason, ip, created_at } = &self.details;
        let lines = [
            ("type", self.r#type.as_str()),
            ("severity", self.severity.as_str()),
            ("subject", subject),
            ("reason", reason),
            ("address", ip),
            ("occurrences", &self.occurrences.to_string()),
            ("first", created_at),
            ("last", &self.time),
            ("status", self.status.as_str()),
            ("incident", self.incident_id),
            ("board", self.link.as_deref().unwrap_or("-")),
        ];
        lines.into_iter().fold(String::new(), |text, (name, value)| text + name + ": " + &one_line(value) + "\n")
    }
}

fn times(milestone: u64) -> String {
    if milestone == 1 { "first time".to_owned() } else { format!("{milestone} times") }
}

/// Nothing of what is stored breaks a line or steers a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { '?' } else { c }).collect()
}

impl SummaryMessage {
    /// That `held_back` messages of `kind` were, of incidents that were opened in `window`.
    pub fn of(kind: IncidentKind, (held_back, window): (u64, i64), now: Timestamp, base_url: Option<&str>) -> Self {
        Self {
            id: format!("{}.{window}.{}", kind.as_str(), power_of_ten(held_back)),
            r#type: kind,
            severity: kind.severity(),
            time: now.to_string(),
            source: SOURCE,
            held_back,
            until: Timestamp::from_seconds(window.saturating_add(1).saturating_mul(WINDOW_S)).to_string(),
            link: board(base_url, ""),
        }
    }

    /// The subject of a mail: ASCII, below 100 characters, one line.
    pub fn subject_line(&self) -> String {
        format!("Palisade: {} {}, many at once", self.severity.as_str(), self.r#type.as_str())
    }

    /// The text of a mail.
    pub fn text(&self) -> String {
        format!(
            "There are more incidents of type {} than are told one by one.\nmessages held back so far: {}\nof incidents opened until: {}\nboard: {}\n",
            self.r#type.as_str(),
            self.held_back,
            self.until,
            self.link.as_deref().unwrap_or("-"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_told_at_powers_of_ten() {
        let mut told = 0;
        let summaries: Vec<u64> = (1..=5_000)
            .filter_map(|held_back| match tell(Some(held_back), told) {
                Tell::Summary(number) => {
                    told = power_of_ten(number);
                    Some(number)
                }
                Tell::Itself | Tell::Nothing => None,
            })
            .collect();
        assert_eq!(summaries, [1, 10, 100, 1_000]);
        assert_eq!(tell(None, 0), Tell::Itself);
        assert_eq!(tell(Some(12), 1), Tell::Summary(12), "one that could not be sent is sent by the next");
    }

    #[test]
    fn al12_a_subject_line_is_short_ascii_and_one_line() {
        for kind in IncidentKind::ALL {
            let line = SummaryMessage::of(kind, (1, 0), Timestamp::EPOCH, None).subject_line();
            assert!(line.is_ascii() && line.len() <= 100 && !line.contains(['\r', '\n']), "{line}");
        }
        assert_eq!(one_line("a\r\nb\u{1b}[31m\u{2028}c"), "a??b?[31m?c");
    }
}
