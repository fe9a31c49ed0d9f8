//! What operators did: one item for each action, written in the action's own transaction.

use aws_sdk_dynamodb::types::Put;
use palisade_core::{Fault, Timestamp};
use std::time::Duration;

use super::Counters;
use crate::call::fault;
use crate::item::{millis, owned, s, time, ttl};
use crate::transact::Write;

/// How long actions are kept: 400 days, as incidents are.
const KEPT: Duration = Duration::from_hours(400 * 24);

/// One action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorAction {
    /// When.
    pub at: Timestamp,
    /// Who, as their machine names them.
    pub operator: String,
    /// What, as a stable word.
    pub action: String,
    /// To whom or what: an account's public id, or a network.
    pub subject: String,
}

impl Counters {
    /// Records `action`; `nonce` tells two of one moment apart.
    pub fn record_action(&self, action: &OperatorAction, nonce: &str) -> Result<Write, Fault> {
        let put = Put::builder()
            .table_name(&self.0.name)
            .item("counter", s(format!("operator#{}#{nonce}", action.at.millis())))
            .item("at", millis(action.at))
            .item("operator", s(&action.operator))
            .item("action", s(&action.action))
            .item("subject", s(&action.subject))
            .item("expires_at", ttl(action.at.plus(KEPT)));
        Write::put(put)
    }

    /// Every action that is kept, oldest first. A scan: for people, not for requests.
    pub async fn actions(&self) -> Result<Vec<OperatorAction>, Fault> {
        let mut actions = Vec::new();
        let mut from = None;
        loop {
            let scan = self.0.client.scan().table_name(&self.0.name).consistent_read(true).set_exclusive_start_key(from);
            let scan = scan
                .filter_expression("begins_with(#key, :operator)")
                .expression_attribute_names("#key", "counter")
                .expression_attribute_values(":operator", s("operator#"));
            let reply = scan.send().await.map_err(|error| fault("scan of counters", &error))?;
            actions.extend(reply.items().iter().filter_map(|item| {
                let text = |name| owned(item, name);
                let (operator, action, subject) = (text("operator")?, text("action")?, text("subject")?);
                Some(OperatorAction { at: time(item, "at")?, operator, action, subject })
            }));
            from = reply.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        actions.sort_by_key(|action| action.at);
        Ok(actions)
    }
}
