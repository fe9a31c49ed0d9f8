//! The settings of Cognito's triggers.

use std::time::Duration;

use super::read::Reader;
use crate::cognito::message::SERVICE_MAX;
use crate::cognito::sign_up::{SignUpRules, host};

/// Everything about Cognito's triggers.
#[derive(Debug, Clone)]
pub struct Cognito {
    /// `PALISADE_COGNITO_DEADLINE_MS`: Cognito gives up, and asks again, after 5 seconds.
    pub deadline: Duration,
    /// `PALISADE_COGNITO_HIBP_TIMEOUT_MS`: the breach service's part of it.
    pub hibp: Duration,
    /// Who may sign up.
    pub sign_up: SignUpRules,
    /// `PALISADE_COGNITO_MAX_AUTH_AGE_S`.
    pub max_auth_age: Option<Duration>,
    /// `PALISADE_COGNITO_SIGN_OUT`: whether Cognito is asked to end a user's sessions after a forgotten password.
    pub sign_out: bool,
    /// `AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER`, where one is set.
    pub endpoint: Option<String>,
    /// `PALISADE_SERVICE_NAME`: who a pool's messages come from.
    pub service_name: Option<String>,
}

impl Cognito {
    /// `is_local` tells that the store is on this machine: without an endpoint of its own Cognito is not asked then.
    pub(super) fn read(read: &mut Reader, is_local: bool) -> Self {
        let endpoint = read.optional("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", |url| Ok(url.to_owned()));
        let sign_out = read.switch_or("PALISADE_COGNITO_SIGN_OUT", true) && (endpoint.is_some() || !is_local);
        let mut millis = |name: &str, range: &std::ops::RangeInclusive<u64>, default: u64| {
            let mut number = default;
            read.number(name, range, &mut number);
            Duration::from_millis(number)
        };
        let deadline = millis("PALISADE_COGNITO_DEADLINE_MS", &(50..=4_500), 2_500);
        let hibp = millis("PALISADE_COGNITO_HIBP_TIMEOUT_MS", &(10..=2_000), 800);
        let (mut per_hour, mut per_mailbox) = (Some(1_000), 3);
        read.number_or_never("PALISADE_COGNITO_SIGN_UPS_PER_HOUR", &(1..=10_000_000), &mut per_hour);
        read.number("PALISADE_COGNITO_SIGN_UPS_PER_MAILBOX", &(1..=1_000), &mut per_mailbox);
        let mut max_auth_age = Some(2_592_000);
        read.number_or_never("PALISADE_COGNITO_MAX_AUTH_AGE_S", &(60..=315_360_000), &mut max_auth_age);
        let domain = |text: &str| host(text).ok_or_else(|| "must be names of mail domains, separated by commas".to_owned());
        Self {
            deadline,
            hibp,
            sign_up: SignUpRules { per_hour, per_mailbox, blocked_domains: read.list("PALISADE_BLOCKED_MAIL_DOMAINS", domain) },
            max_auth_age: max_auth_age.map(Duration::from_secs),
            sign_out,
            endpoint,
            service_name: read.optional("PALISADE_SERVICE_NAME", service_name),
        }
    }
}

/// Braces would be placeholders to Cognito.
fn service_name(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= SERVICE_MAX && !text.contains(|c: char| c.is_control() || "{}".contains(c));
    if fits { Ok(text.to_owned()) } else { Err(format!("must be at most {SERVICE_MAX} characters without braces")) }
}
