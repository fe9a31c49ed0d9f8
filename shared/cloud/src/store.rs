//! The DynamoDB client, with the time limits and retries every call keeps to.

use aws_sdk_dynamodb::Client;
use palisade_core::Fault;
use palisade_core::settings::{Settings, Table};

use crate::parts::Parts;
use crate::sdk::{self, Tries};

/// A client with the names of the tables; the table modules are made from it.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
}

/// One table of a store.
#[derive(Debug, Clone)]
pub(crate) struct TableHandle {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Store {
    /// A client for what `settings` say, with `parts` for credentials and transport. Does not connect yet.
    pub fn new(settings: &Settings, parts: &Parts) -> Self {
        let config = sdk::config(settings, parts, settings.dynamodb_endpoint.as_ref(), Tries::Twice);
        Self { client: Client::new(&config) }
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// # Errors
    /// A fault when the settings do not name `table`: the function did not require it.
    pub(crate) fn table(&self, settings: &Settings, table: Table) -> Result<TableHandle, Fault> {
        let name = settings.table(table).ok_or_else(|| Fault::internal("a table is used that was not required"))?;
        Ok(TableHandle { client: self.client.clone(), name: name.to_owned() })
    }
}
