//! What the clients of all AWS services have in common: region, credentials, transport and time limits.

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::SdkConfig;
use palisade_core::settings::Settings;
use std::time::Duration;

use crate::parts::Parts;

/// Attempts at a call that may be repeated: the first and one more.
const ATTEMPTS: u32 = 2;

/// The wait before the second attempt, at most: AWS's default of a second would use up the request's time.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// How often a call is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Twice, each within its own time limit.
    Twice,
    /// Once: whoever calls tries again, and knows whether it was done.
    Once,
}

/// A client's configuration for what `settings` say, with `parts` for credentials and transport; the service's own endpoint, where one is
/// set, stands in `endpoint`.
pub(crate) fn config(settings: &Settings, parts: &Parts, endpoint: Option<&String>, tries: Tries) -> SdkConfig {
    let limits = &settings.timeouts;
    let timeouts = TimeoutConfig::builder().connect_timeout(limits.connect).operation_timeout(limits.operation);
    let (timeouts, retries) = match tries {
        Tries::Once => (timeouts, RetryConfig::disabled()),
        Tries::Twice => {
            let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF);
            (timeouts.operation_attempt_timeout(limits.attempt), retries)
        }
    };
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(parts.credentials.clone()))
        .http_client(parts.http.clone().unwrap_or_else(https))
        .timeout_config(timeouts.build())
        .retry_config(retries);
    config.set_endpoint_url(endpoint.cloned());
    config.build()
}

/// HTTPS by rustls on ring; trusted roots are read at the first connection.
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
