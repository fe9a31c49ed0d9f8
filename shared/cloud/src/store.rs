//! The DynamoDB client, with the time limits and retries every call keeps to.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use palisade_core::Fault;
use palisade_core::settings::{Settings, Table};
use std::time::Duration;

use crate::parts::Parts;

/// Attempts at a call: the first and one more.
const ATTEMPTS: u32 = 2;

/// The wait before the second attempt, at most: AWS's default of a second would use up the request's time.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

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
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.timeouts.connect)
            .operation_attempt_timeout(settings.timeouts.attempt)
            .operation_timeout(settings.timeouts.operation)
            .build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(parts.credentials.clone())
            .http_client(parts.http.clone().unwrap_or_else(https))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF));
        config.set_endpoint_url(settings.dynamodb_endpoint.clone());
        Self { client: Client::from_conf(config.build()) }
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

/// HTTPS by rustls on ring; trusted roots are read at the first connection.
pub(crate) fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
