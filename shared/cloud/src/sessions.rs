//! The sessions table: one item per session under its account, the secret only as a hash.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnValue;
use palisade_core::Fault;
use palisade_core::session::{Session, SessionKey};
use palisade_core::settings::{Settings, Table};

use crate::call::fault;
use crate::item::{millis, n, s, ttl};
use crate::store::{Store, TableHandle};

/// The sessions table.
#[derive(Debug, Clone)]
pub struct Sessions(TableHandle);

impl Sessions {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Sessions).map(Self)
    }

    /// Stores `session`. Its key is random, so a repeated attempt writes the same item again.
    pub async fn put(&self, session: &Session) -> Result<(), Fault> {
        let item = HashMap::from([
            ("account_key".to_owned(), s(session.key.account_key.as_str())),
            ("secret_hash".to_owned(), s(&session.key.secret_hash)),
            ("auth_version".to_owned(), n(session.auth_version)),
            ("auth_time".to_owned(), millis(session.auth_time)),
            ("created_at".to_owned(), millis(session.created_at)),
            ("last_seen".to_owned(), millis(session.last_seen)),
            ("ip".to_owned(), s(&session.ip)),
            ("user_agent".to_owned(), s(session.user_agent.stored())),
            ("user_agent_hash".to_owned(), s(session.user_agent.hash())),
            ("expires_at".to_owned(), ttl(session.expires_at)),
        ]);
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| fault("write of sessions", &error))
    }

    /// Removes the session under `key`, and returns whether there was one.
    pub async fn delete(&self, key: &SessionKey) -> Result<bool, Fault> {
        let delete = self.0.client.delete_item().table_name(&self.0.name).return_values(ReturnValue::AllOld);
        let delete = delete.key("account_key", s(key.account_key.as_str())).key("secret_hash", s(&key.secret_hash));
        let reply = delete.send().await.map_err(|error| fault("delete of sessions", &error))?;
        Ok(reply.attributes.is_some())
    }
}
