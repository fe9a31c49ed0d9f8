//! How often grants are given: one item per kind and account key, so that a name is not flooded and answers stay alike for names that
//! nobody has.

use std::time::Duration;

use aws_sdk_dynamodb::types::Put;
use palisade_core::notice::{NoticeId, NoticeKind};
use palisade_core::{AccountKey, Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::item::{millis, s, text, ttl};
use crate::transact::Write;

/// How long nothing else of its kind is given to a name, and how long the item remembers which notice it was.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two.
    pub between: Duration,
    /// Which notice it was.
    pub remembered: Duration,
}

impl Counters {
    /// Notes that `notice` was given, unless one of its kind was given too lately.
    pub fn pace(
        &self,
        kind: NoticeKind,
        account: &AccountKey,
        notice: &NoticeId,
        now: Timestamp,
        pace: Pace,
    ) -> Result<Write, Fault> {
        let put = Put::builder()
            .table_name(&self.0.name)
            .item("counter", s(key(kind, account)))
            .item("notice_id", s(notice.as_str()))
            .item("open_again_at", millis(now.plus(pace.between)))
            .item("expires_at", ttl(now.plus(pace.between.max(pace.remembered))))
            .condition_expression("attribute_not_exists(#key) OR open_again_at <= :now")
            .expression_attribute_names("#key", "counter")
            .expression_attribute_values(":now", millis(now));
        Write::put(put)
    }

    /// The latest notice of `kind` that was given to `account`, by a strongly consistent read.
    pub async fn latest_grant(&self, kind: NoticeKind, account: &AccountKey) -> Result<Option<NoticeId>, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(key(kind, account))).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of counters", &error))?;
        Ok(reply.item.as_ref().and_then(|item| NoticeId::parse(text(item, "notice_id")?)))
    }
}

fn key(kind: NoticeKind, account: &AccountKey) -> String {
    format!("grant#{}#{}", kind.as_str(), account.as_str())
}
