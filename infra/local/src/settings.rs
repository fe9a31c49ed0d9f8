//! The settings of the local functions. The keys are fixed and public: every function refuses them unless DynamoDB is on this machine.

use palisade_core::settings::Table;

/// Signs tokens in the local stack only.
pub const SECRET: &str = "local-only-secret-of-the-local-stack-0000";
/// Keys accounts in the local stack only.
pub const IDENTITY_KEY: &str = "local-only-identity-key-of-the-local-stack";

/// Name and value of every setting a local function starts with; `overrides` come last. Without `hibp` the public service is asked.
pub fn settings_pairs(
    dynamodb: &str,
    hibp: Option<&str>,
    table_prefix: &str,
    overrides: &[(String, String)],
) -> Vec<(String, String)> {
    let fixed = [
        ("PALISADE_SECRET", SECRET),
        ("PALISADE_IDENTITY_KEY", IDENTITY_KEY),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
    ];
    let mut pairs: Vec<(String, String)> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    pairs.extend(Table::ALL.map(|table| (table.setting(), format!("{table_prefix}{}", table.as_str()))));
    pairs.extend(hibp.map(|url| ("PALISADE_HIBP_URL".to_owned(), url.to_owned())));
    pairs.extend(overrides.iter().cloned());
    pairs
}

/// Signs what is posted to the local stack's own webhook.
pub const WEBHOOK_SECRET: &str = "whsec_bG9jYWwtb25seS13ZWJob29rLXNlY3JldC0wMDAwMDAwMDA=";

/// The settings that lead messages to the stack's own topics, mail and webhook, and then `overrides`.
pub fn message_pairs(sns: &str, ses: &str, webhook: &str, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let fixed = [
        ("AWS_ENDPOINT_URL_SNS", sns),
        ("AWS_ENDPOINT_URL_SESV2", ses),
        ("PALISADE_TOPIC_ALERTS", "arn:aws:sns:eu-central-1:000000000000:alerts"),
        ("PALISADE_TOPIC_NOTICES", "arn:aws:sns:eu-central-1:000000000000:notices"),
        ("PALISADE_WEBHOOK_URL", webhook),
        ("PALISADE_WEBHOOK_SECRET", WEBHOOK_SECRET),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    fixed.into_iter().chain(overrides.iter().cloned()).collect()
}
