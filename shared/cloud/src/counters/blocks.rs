//! The networks that operators blocked: one bounded item that every environment reads now and then.

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use palisade_core::Fault;
use palisade_core::blocks::{Block, Blocks};

use super::Counters;
use crate::call::fault;
use crate::item::{Item, n, number, s};
use crate::transact::Write;

const KEY: &str = "blocks";

/// The list as it was read, and what is needed to write it back.
#[derive(Debug, Clone)]
pub struct BlocksItem {
    /// The list.
    pub blocks: Blocks,
    revision: Option<i64>,
}

impl Counters {
    /// The list. Also opens the connection, so that the first request finds one.
    pub async fn blocks(&self) -> Result<BlocksItem, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(KEY)).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of blocks in counters", &error))?;
        let item = reply.item.unwrap_or_default();
        Ok(BlocksItem { blocks: decode(&item), revision: number(&item, "revision") })
    }

    /// Replaces the list `from` by `blocks`, unless somebody changed it since it was read.
    pub fn set_blocks(&self, from: &BlocksItem, blocks: &Blocks) -> Result<Write, Fault> {
        let next = from.revision.unwrap_or(0).wrapping_add(1);
        let texts = blocks.iter().map(|block| AttributeValue::S(block.encode())).collect();
        let put = Put::builder().table_name(&self.0.name);
        let put = put.item("counter", s(KEY)).item("revision", n(next)).item("networks", AttributeValue::L(texts));
        Write::put(match from.revision {
            None => put.condition_expression("attribute_not_exists(revision)"),
            Some(revision) => put.condition_expression("revision = :from").expression_attribute_values(":from", n(revision)),
        })
    }
}

/// Entries that are none are left out.
fn decode(item: &Item) -> Blocks {
    let texts = item.get("networks").and_then(|networks| networks.as_l().ok());
    let texts = texts.into_iter().flatten().filter_map(|text| text.as_s().ok());
    texts.filter_map(|text| Block::decode(text)).collect()
}
