//! What the clients of all AWS services have in common: region, credentials, transport and time limits.

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;
use palisade_core::settings::Settings;
use std::time::Duration;

use crate::environment;
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

/// The roots of Amazon Trust Services: nobody else signs for an endpoint of AWS. Five instead of the system's hundred and forty, which are read and
/// parsed before the first request (D-60).
const ROOTS: &str = include_str!("aws_roots.pem");

/// HTTPS by rustls on ring, trusting [`ROOTS`]; the system's instead, where its usual variables name some.
fn https() -> SharedHttpClient {
    let own = TrustStore::empty().with_pem_certificate(ROOTS);
    let roots = if environment::names_certificates() { TrustStore::default() } else { own };
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    // Nothing of it can fail; the default trusts the system's.
    let context = TlsContext::builder().with_trust_store(roots).build().unwrap_or_default();
    builder.tls_context(context).build_https()
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding as _};
    use sha2::{Digest as _, Sha256};

    use super::ROOTS;

    /// SHA-256 of each root, as <https://www.amazontrust.com/repository/> gives it.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn the_roots_are_the_five_of_amazon_trust_services() {
        let certificates = ROOTS.split("-----BEGIN CERTIFICATE-----").skip(1);
        let der = certificates.map(|text| text.split("-----END").next().unwrap().split_whitespace().collect::<String>());
        let digest = |base64: String| {
            let digest = Sha256::digest(Base64::decode_vec(&base64).unwrap());
            digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        assert_eq!(der.map(digest).collect::<Vec<_>>(), FINGERPRINTS);
    }

    #[test]
    fn a_client_can_be_built_of_them() {
        drop(super::https());
    }
}
