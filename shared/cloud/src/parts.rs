//! What a process is given from outside: time, randomness, credentials and, in the local stack, another HTTP client.

use std::fmt;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::SharedHttpClient;
use palisade_core::Timestamp;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that reads `source`.
    pub fn new(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// Gives random bytes.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

impl Entropy {
    /// Randomness from `source`, which fills the whole slice.
    pub fn new(source: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

/// Everything the local stack swaps; a function takes it from its environment.
#[derive(Clone)]
pub struct Parts {
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// AWS credentials.
    pub credentials: Credentials,
    /// The SDK's HTTP client; `None` for its own.
    pub http: Option<SharedHttpClient>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts(redacted)")
    }
}
