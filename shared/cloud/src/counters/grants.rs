//! How often grants are given: one item per kind and account key, so that a name is not flooded and answers stay alike for names that
//! nobody has.

use std::time::Duration;

use aws_sdk_dynamodb::types::Put;
use palisade_core::notice::NoticeId;
use palisade_core::{AccountKey, Fault, Timestamp};

use super::Counters;
use crate::call::fault;
use crate::item::{millis, s, text, ttl};
use crate::transact::Write;

/// What gives grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacedBy {
    /// A sign-up.
    SignUp,
    /// A sign-up's notice once more.
    Resend,
    /// A reset request.
    Reset,
}

/// How long nothing else of its kind is given to a name, and how long the item remembers which notice it was.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two.
    pub between: Duration,
    /// Which notice it was.
    pub remembered: Duration,
}

impl Counters {
    /// Notes that `notice` was given, unless the same gave one too lately.
    pub fn pace(&self, by: PacedBy, account: &AccountKey, notice: &NoticeId, now: Timestamp, pace: Pace) -> Result<Write, Fault> {
        let put = Put::builder()
            .table_name(&self.0.name)
            .item("counter", s(key(by, account)))
            .item("notice_id", s(notice.as_str()))
            .item("open_again_at", millis(now.plus(pace.between)))
            .item("expires_at", ttl(now.plus(pace.between.max(pace.remembered))))
            .condition_expression("attribute_not_exists(#key) OR open_again_at <= :now")
            .expression_attribute_names("#key", "counter")
            .expression_attribute_values(":now", millis(now));
        Write::put(put)
    }

    /// The latest notice that `by` gave to `account`, by a strongly consistent read.
    pub async fn latest_grant(&self, by: PacedBy, account: &AccountKey) -> Result<Option<NoticeId>, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(key(by, account))).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of counters", &error))?;
        Ok(reply.item.as_ref().and_then(|item| NoticeId::parse(text(item, "notice_id")?)))
    }
}

fn key(by: PacedBy, account: &AccountKey) -> String {
    let by = match by {
        PacedBy::SignUp => "sign_up",
        PacedBy::Resend => "resend",
        PacedBy::Reset => "reset",
    };
    format!("grant#{by}#{}", account.as_str())
}
