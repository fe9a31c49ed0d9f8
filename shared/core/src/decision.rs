//! Everything that decided a request, for its line in the log: what an operator needs to say why, and what a replay of another policy
//! starts from.

use serde::Serialize;

use crate::anomaly::{self, Action, Anomaly};
use crate::ip_window::RuleState;
use crate::policy::Policy;
use crate::timestamp::Timestamp;

/// One rule as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its word: that of the refusal.
    pub rule: &'static str,
    /// How many, this request among them.
    pub count: u64,
    /// How many are allowed.
    pub limit: u64,
    /// Until when, in seconds since the epoch.
    pub until: i64,
}

impl From<&RuleState> for Rule {
    fn from(state: &RuleState) -> Self {
        Self { rule: state.rule.as_str(), count: state.count, limit: state.limit, until: state.until.seconds() }
    }
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// When it was decided, in milliseconds since the epoch, by the clock that decides.
    pub at: i64,
    /// The policy's profile.
    pub policy: &'static str,
    /// Whether limits refuse.
    pub enforced: bool,
    /// Every rule that was asked.
    pub rules: Vec<Rule>,
    /// What was unusual.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// The sum of their weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u32>,
    /// What followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The time where the account's owner lives, with its zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_time: Option<String>,
}

impl Decision {
    /// Under `policy` at `now`, by `rules`.
    pub fn by(policy: &Policy, now: Timestamp, rules: Vec<Rule>) -> Self {
        Self {
            at: now.millis(),
            policy: policy.profile.as_str(),
            enforced: policy.enforced,
            rules,
            anomalies: Vec::new(),
            score: None,
            action: None,
            local_time: None,
        }
    }

    /// With what was unusual about a login at `local_time`.
    #[must_use]
    pub fn with(self, anomalies: &[Anomaly], local_time: String) -> Self {
        let score = anomaly::score(anomalies);
        Self {
            anomalies: anomalies.to_vec(),
            score: Some(score),
            action: Some(anomaly::action(score)),
            local_time: Some(local_time),
            ..self
        }
    }
}
