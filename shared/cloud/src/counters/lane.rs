//! One throttle lane as an item: read whole, written whole, each write on condition that nobody wrote meanwhile.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnValuesOnConditionCheckFailure};
use palisade_core::notice::NoticeId;
use palisade_core::session::SessionKey;
use palisade_core::throttle::{Lane, LaneRules, Stored, StoredLane};
use palisade_core::{AccountKey, Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::item::{Item, millis, n, s, stored, ttl};
use crate::transact::Write;

/// Which lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneKey(String);

impl LaneKey {
    /// The lane of everybody.
    pub fn common(account: &AccountKey) -> Self {
        Self(format!("account#{}", account.as_str()))
    }

    /// The lane of wrong current passwords given in one session.
    pub fn session(session: &SessionKey) -> Self {
        Self(format!("account#{}#session#{}", session.account_key.as_str(), session.secret_hash))
    }

    /// The lane of wrong passwords given with one sign-up's token.
    pub fn notice(notice: &NoticeId) -> Self {
        Self(format!("notice#{}", notice.as_str()))
    }

    /// The lane of one known device.
    pub fn device(account: &AccountKey, device_id: &str) -> Self {
        Self(format!("account#{}#device#{device_id}", account.as_str()))
    }
}

impl LaneKey {
    /// The word of its delay where a decision is told.
    pub fn rule(&self) -> &'static str {
        match (self.0.contains("#device#"), self.is_of_session(), self.0.starts_with("notice#")) {
            (true, ..) => "device_login_delay",
            (_, true, _) => "session_login_delay",
            (_, _, true) => "confirmation_delay",
            _ => "login_delay",
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the lane of a session.
    pub fn is_of_session(&self) -> bool {
        self.0.contains("#session#")
    }
}

/// A lane as it was read, and what is needed to write it back.
#[derive(Debug, Clone)]
pub struct LaneItem {
    /// The lane.
    pub lane: Lane,
    /// Whether numbers had to be repaired.
    pub repaired: bool,
    version: Version,
}

/// What must still stand for a write to happen.
#[derive(Debug, Clone, PartialEq)]
enum Version {
    /// No item.
    Absent,
    /// An item without a revision: hand-edited.
    Unmarked,
    /// An item with this revision, whatever its type.
    Marked(AttributeValue),
}

/// What became of a write.
#[derive(Debug)]
pub enum Swap {
    /// It happened; the lane as it stands now.
    Written(LaneItem),
    /// Somebody wrote first; the lane as it stands now.
    Overtaken(LaneItem),
}

impl Counters {
    /// The lane under `key`, by a strongly consistent read; a fresh one when there is no item.
    pub async fn lane(&self, key: &LaneKey, now: Timestamp, rules: &LaneRules) -> Result<LaneItem, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(&key.0)).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of counters", &error))?;
        Ok(decode(reply.item.as_ref(), now, rules))
    }

    /// Forgets the lane under `key`: a completed reset.
    pub fn clear_lane(&self, key: &LaneKey) -> Result<Write, Fault> {
        Write::delete(Delete::builder().table_name(&self.0.name).key("counter", s(&key.0)))
    }

    /// Replaces `from` by `lane` under `key`, unless somebody wrote since `from` was read. `revision` marks the write; it must be new.
    pub async fn swap_lane(
        &self,
        key: &LaneKey,
        from: &LaneItem,
        lane: Lane,
        revision: &str,
        at: (Timestamp, &LaneRules),
    ) -> Result<Swap, Fault> {
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(encode(key, &lane, revision, at)));
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match &from.version {
            Version::Absent => put.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", "counter"),
            Version::Unmarked => put.condition_expression("attribute_not_exists(revision)"),
            Version::Marked(value) => {
                put.condition_expression("revision = :from").expression_attribute_values(":from", value.clone())
            }
        };
        let ours = Version::Marked(s(revision));
        match put.send().await {
            Ok(_) => Ok(Swap::Written(LaneItem { lane, repaired: false, version: ours })),
            Err(SdkError::ServiceError(error)) => match error.err() {
                PutItemError::ConditionalCheckFailedException(failed) => {
                    let found = decode(failed.item(), at.0, at.1);
                    // The SDK repeated a write whose reply was lost: the item already is what we wrote.
                    Ok(if found.version == ours { Swap::Written(found) } else { Swap::Overtaken(found) })
                }
                _ => Err(fault("write of counters", &SdkError::ServiceError(error))),
            },
            Err(error) => Err(fault("write of counters", &error)),
        }
    }
}

fn encode(key: &LaneKey, lane: &Lane, revision: &str, (now, rules): (Timestamp, &LaneRules)) -> Item {
    let leases = lane.leases.iter().map(|lease| {
        let value = HashMap::from([
            ("reserved_at".to_owned(), millis(lease.reserved_at)),
            ("settled_before".to_owned(), n(lease.settled_before)),
        ]);
        (lease.nonce.clone(), AttributeValue::M(value))
    });
    let mut item = HashMap::from([
        ("counter".to_owned(), s(&key.0)),
        ("settled".to_owned(), n(lane.settled)),
        ("forgotten".to_owned(), n(lane.forgotten)),
        ("cleared".to_owned(), n(lane.cleared)),
        ("not_before".to_owned(), millis(lane.not_before)),
        ("leases".to_owned(), AttributeValue::M(leases.collect())),
        ("revision".to_owned(), s(revision)),
    ]);
    item.extend(lane.last_failure.map(|at| ("last_failure".to_owned(), millis(at))));
    item.extend(lane.unknown_success.map(|at| ("unknown_success".to_owned(), millis(at))));
    // A lane nobody ever failed on has no time of its own; DynamoDB ignores a TTL years past.
    let expires_at = lane.expires_at(rules).map(|at| at.max(now.plus(rules.memory)));
    item.extend(expires_at.map(|at| ("expires_at".to_owned(), ttl(at))));
    item
}

pub(super) fn decode(item: Option<&Item>, now: Timestamp, rules: &LaneRules) -> LaneItem {
    let Some(item) = item else {
        return LaneItem { lane: Lane::default(), repaired: false, version: Version::Absent };
    };
    // Leases that cannot be read count as one that ran out.
    let damaged = || vec![("damaged".to_owned(), Stored::Unreadable, Stored::Unreadable)];
    let leases = item.get("leases").and_then(|leases| leases.as_m().ok());
    let leases = leases.map_or_else(damaged, |leases| leases.iter().map(lease).collect());
    let (lane, repaired) = StoredLane {
        settled: stored(item, "settled"),
        forgotten: stored(item, "forgotten"),
        cleared: stored(item, "cleared"),
        not_before: stored(item, "not_before"),
        last_failure: stored(item, "last_failure"),
        leases,
        unknown_success: stored(item, "unknown_success"),
    }
    .read(now, rules);
    let version = item.get("revision").map_or(Version::Unmarked, |value| Version::Marked(value.clone()));
    LaneItem { lane, repaired, version }
}

fn lease((nonce, value): (&String, &AttributeValue)) -> (String, Stored, Stored) {
    let (reserved_at, settled_before) = value
        .as_m()
        .map_or((Stored::Unreadable, Stored::Unreadable), |lease| (stored(lease, "reserved_at"), stored(lease, "settled_before")));
    (nonce.clone(), reserved_at, settled_before)
}
