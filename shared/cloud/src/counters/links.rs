//! Which account a user of a pool is, whatever they are called by now: their addresses and names change, their accounts do not.

use aws_sdk_dynamodb::types::{KeysAndAttributes, Put};
use palisade_core::cognito::Person;
use palisade_core::throttle::LaneRules;
use palisade_core::{AccountKey, Fault, IdentityKey, Timestamp};
use std::collections::HashMap;

use super::Counters;
use super::lane::{LaneItem, LaneKey, decode};
use crate::call::fault;
use crate::item::{Item, owned, s, text};
use crate::transact::Write;

/// What leads to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKey(String);

impl LinkKey {
    /// The pool's own id of a user.
    pub fn user(identity_key: &IdentityKey, sub: &str) -> Self {
        Self(format!("pool_user#{}", identity_key.pool_user_key(sub).as_str()))
    }

    /// The key of an address or a name that is not the account's own.
    pub fn person(key: &AccountKey) -> Self {
        Self(format!("pool_user#{}", key.as_str()))
    }
}

/// Where the links of a user lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Led {
    /// That of the user.
    pub user: Option<AccountKey>,
    /// That of their address or name.
    pub person: Option<AccountKey>,
}

/// The links of a user: of the pool's own id, where it is known, and of their address or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// That of the user.
    pub user: Option<LinkKey>,
    /// That of their address or name.
    pub person: LinkKey,
}

impl Links {
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.user.iter().chain([&self.person]).map(|link| link.0.as_str())
    }
}

impl Counters {
    /// The lane under `lane` and where `links` lead, by one strongly consistent read.
    pub async fn lane_and_links(
        &self,
        lane: &LaneKey,
        links: &Links,
        (now, rules): (Timestamp, &LaneRules),
    ) -> Result<(LaneItem, Led), Fault> {
        let keys = std::iter::once(lane.as_str()).chain(links.keys());
        let items = self.several(keys).await?;
        Ok((decode(items.get(lane.as_str()), now, rules), led(&items, links)))
    }

    /// Where `links` lead, by one strongly consistent read.
    pub async fn links(&self, links: &Links) -> Result<Led, Fault> {
        Ok(led(&self.several(links.keys()).await?, links))
    }

    /// Makes `link` lead to `account`, unless it leads elsewhere.
    pub fn link(&self, link: &LinkKey, account: &AccountKey) -> Result<Write, Fault> {
        let put = Put::builder().table_name(&self.0.name).item("counter", s(&link.0)).item("account_key", s(account.as_str()));
        let put = put
            .condition_expression("attribute_not_exists(#key) OR account_key = :same")
            .expression_attribute_names("#key", "counter")
            .expression_attribute_values(":same", s(account.as_str()));
        Write::put(put)
    }

    /// Keeps how a user's name is written, under the key of what it looks like.
    pub fn keep_name(&self, name: &Person, identity_key: &IdentityKey) -> Result<Write, Fault> {
        let put = Put::builder().table_name(&self.0.name).item("counter", s(name_key(name, identity_key)));
        Write::put(put.item("spelling", s(name.spelling())))
    }

    /// How the name of a user who looks like `name` is written; `None` where there is none.
    pub async fn name_like(&self, name: &Person, identity_key: &IdentityKey) -> Result<Option<String>, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s(name_key(name, identity_key)));
        let reply = get.consistent_read(true).send().await.map_err(|error| fault("read of counters", &error))?;
        Ok(reply.item.as_ref().and_then(|item| owned(item, "spelling")))
    }

    async fn several<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result<HashMap<String, Item>, Fault> {
        let keys = keys.map(|key| Item::from([("counter".to_owned(), s(key))])).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let wanted = wanted.map_err(|_| Fault::internal("a batch lacks its keys"))?;
        let reply = self.0.client.batch_get_item().request_items(&self.0.name, wanted).send().await;
        let reply = reply.map_err(|error| fault("read of counters", &error))?;
        if reply.unprocessed_keys().is_some_and(|left_over| !left_over.is_empty()) {
            return Err(Fault::unavailable("read of counters", "keys were left over"));
        }
        let items = reply.responses.unwrap_or_default().remove(&self.0.name).unwrap_or_default();
        Ok(items.into_iter().filter_map(|item| Some((owned(&item, "counter")?, item))).collect())
    }
}

fn led(items: &HashMap<String, Item>, links: &Links) -> Led {
    let account = |link: &LinkKey| AccountKey::parse(text(items.get(&link.0)?, "account_key")?);
    Led { user: links.user.as_ref().and_then(account), person: account(&links.person) }
}

fn name_key(name: &Person, identity_key: &IdentityKey) -> String {
    format!("pool_name#{}", name.key(identity_key).as_str())
}
