//! One attempt to log in, as the log tells of it.

use std::net::IpAddr;

use palisade_core::{ClientIp, LimitReason, Timestamp};
use serde::{Deserialize, Serialize};

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The password was right.
    Success,
    /// It was tried and wrong.
    Failure,
    /// It was not tried.
    Refused(LimitReason),
}

/// What only whoever made up a scenario knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Whether it was an attacker's.
    pub attacker: bool,
    /// Whether the password was right.
    pub right: bool,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The pseudonym of the name.
    pub account: String,
    /// Where from.
    pub ip: ClientIp,
    /// The pseudonym of the known device.
    pub device: Option<String>,
    /// What became of it; `None` in a scenario that was not played yet.
    pub recorded: Option<Recorded>,
    /// What a scenario knows.
    pub truth: Option<Truth>,
}

/// As it stands in the log; everything else of the line is passed over.
#[derive(Deserialize)]
struct Line<'a> {
    event: &'a str,
    #[serde(default)]
    path: Option<&'a str>,
    #[serde(default, borrow)]
    account: Option<&'a str>,
    #[serde(default, borrow)]
    ip: Option<&'a str>,
    #[serde(default, borrow)]
    device: Option<&'a str>,
    #[serde(default, borrow)]
    reason: Option<&'a str>,
    #[serde(default)]
    decision: Option<At>,
    #[serde(default)]
    truth: Option<Truth>,
}

#[derive(Deserialize)]
struct At {
    at: i64,
}

impl Attempt {
    /// The attempt that a line of the log tells of; `None` for every other line.
    pub fn parse(line: &str) -> Option<Self> {
        // Cheaper than reading the line, and most lines are others.
        if !line.contains("\"authn_login_") && !line.contains("\"excess_rate_limit_exceeded\"") {
            return None;
        }
        let line: Line<'_> = serde_json::from_str(line).ok()?;
        let recorded = match (line.event, line.path) {
            ("authn_login_success", _) => Recorded::Success,
            ("authn_login_fail", _) => Recorded::Failure,
            ("excess_rate_limit_exceeded", Some("/login")) => Recorded::Refused(reason(line.reason?)?),
            _ => return None,
        };
        Some(Self {
            at: Timestamp::from_millis(line.decision?.at),
            account: line.account?.to_owned(),
            ip: line.ip?.parse::<IpAddr>().map_or(ClientIp::Unknown, ClientIp::Known),
            device: line.device.map(str::to_owned),
            recorded: Some(recorded),
            truth: line.truth,
        })
    }

    /// The line of the log that tells of it.
    pub fn line(&self) -> String {
        let event = match self.recorded {
            Some(Recorded::Success) => "authn_login_success",
            Some(Recorded::Failure) | None => "authn_login_fail",
            Some(Recorded::Refused(_)) => "excess_rate_limit_exceeded",
        };
        let mut line = serde_json::json!({
            "timestamp": self.at.to_string(),
            "event": event,
            "path": "/login",
            "account": self.account,
            "ip": self.ip.to_string(),
            "decision": { "at": self.at.millis() },
        });
        if let Some(line) = line.as_object_mut() {
            if let Some(Recorded::Refused(reason)) = self.recorded {
                line.insert("reason".to_owned(), serde_json::json!(reason.as_str()));
            }
            line.extend(self.device.as_ref().map(|device| ("device".to_owned(), serde_json::json!(device))));
            line.extend(self.truth.map(|truth| ("truth".to_owned(), serde_json::json!(truth))));
        }
        line.to_string()
    }

    /// Whether its password was right; one that was refused counts as wrong, since nobody knows.
    pub fn is_right(&self) -> bool {
        self.truth.map_or(self.recorded == Some(Recorded::Success), |truth| truth.right)
    }
}

/// The reasons for which a login is refused.
fn reason(word: &str) -> Option<LimitReason> {
    use LimitReason::{AuthRateLimit, FailedLogins, GlobalRateLimit, LoginDelay};
    [LoginDelay, FailedLogins, AuthRateLimit, GlobalRateLimit].into_iter().find(|reason| reason.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_its_line_and_other_lines_are_none() {
        for recorded in [Recorded::Success, Recorded::Failure, Recorded::Refused(LimitReason::FailedLogins)] {
            let attempt = Attempt {
                at: Timestamp::from_millis(1_800_000_000_123),
                account: "name".into(),
                ip: ClientIp::Known([203, 0, 113, 7].into()),
                device: Some("device".into()),
                recorded: Some(recorded),
                truth: Some(Truth { attacker: true, right: false }),
            };
            assert_eq!(Attempt::parse(&attempt.line()), Some(attempt));
        }
        let signed_up = r#"{"event":"excess_rate_limit_exceeded","path":"/signup","account":"a","ip":"::1","decision":{"at":1}}"#;
        for other in ["", "{", "{}", r#"{"event":"session_created"}"#, r#"{"event":"authn_login_fail"}"#, signed_up] {
            assert_eq!(Attempt::parse(other), None, "{other}");
        }
    }
}
