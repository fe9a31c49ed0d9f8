//! The process's own environment: the one place that reads variables, the clock and the system's randomness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use palisade_core::settings::{Settings, SettingsError, Table};
use palisade_core::{Fault, Timestamp};

use crate::parts::{Clock, Entropy, Parts};

/// The settings in the environment; `required` names the tables the function cannot do without.
///
/// # Errors
/// One error that names every problem.
pub fn settings(required: &[Table]) -> Result<Settings, SettingsError> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let variables = std::env::vars_os();
    let text = variables.filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    Settings::parse(text, required)
}

/// Clock, randomness and credentials of a deployed function.
///
/// # Errors
/// A fault when the environment carries no credentials: Lambda always sets them.
pub fn parts() -> Result<Parts, Fault> {
    Ok(Parts {
        clock: system_clock(),
        entropy: system_entropy(),
        credentials: credentials().ok_or_else(|| Fault::internal("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set"))?,
        http: None,
    })
}

/// `AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER`, where one is set.
pub fn user_pools_endpoint() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER").ok()
}

/// Whether `SSL_CERT_FILE` or `SSL_CERT_DIR` names certificates to trust.
pub(crate) fn names_certificates() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The system's clock.
pub fn system_clock() -> Clock {
    Clock::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let now = SystemTime::now();
        Timestamp::EPOCH.plus(now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
    })
}

/// The system's randomness.
///
/// # Panics
/// The source it returns panics when the operating system gives no randomness: nothing secret can be made then.
pub fn system_entropy() -> Entropy {
    Entropy::new(|bytes| {
        #[expect(
            clippy::disallowed_methods,
            clippy::expect_used,
            reason = "the one place that draws randomness; without it nothing is safe"
        )]
        getrandom::fill(bytes).expect("the operating system gives randomness");
    })
}

/// Lambda hands a function its credentials as variables, fixed for the life of the environment.
fn credentials() -> Option<Credentials> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let variable = |name| std::env::var(name).ok();
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Credentials::from_keys(id, secret, variable("AWS_SESSION_TOKEN")))
}
