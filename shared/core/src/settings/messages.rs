//! The settings of messages: where they go, who sends them, what their links lead to.

use std::time::Duration;

use super::read::Reader;
use super::values::origin;
use crate::notice::NoticeKind;
use crate::secret::SecretText;
use crate::webhook::{Reach, TargetError, WebhookTarget};

/// Everything about messages.
#[derive(Debug)]
pub struct Messages {
    /// The ARN of the topic for operators.
    pub alerts_topic: Option<String>,
    /// The ARN of the topic for users' notices.
    pub notices_topic: Option<String>,
    /// Where alerts are posted, if anywhere.
    pub webhook: Option<WebhookTarget>,
    /// How long that may take.
    pub webhook_timeout: Duration,
    /// Who notices come from by mail; `None` sends none.
    pub mail_from: Option<String>,
    /// The origin that people see: what links begin with.
    pub base_url: Option<String>,
    /// The page on which a sign-up is confirmed.
    pub confirm_path: String,
    /// The page on which a password is reset.
    pub reset_path: String,
    /// `AWS_ENDPOINT_URL_SNS`, where one is set.
    pub sns_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_SESV2`, where one is set.
    pub ses_endpoint: Option<String>,
}

impl Messages {
    /// `is_local` tells that the store is on this machine.
    pub(super) fn read(read: &mut Reader, is_local: bool) -> Self {
        let mut webhook_ms = 2_000;
        read.number("PALISADE_WEBHOOK_TIMEOUT_MS", &(10..=10_000), &mut webhook_ms);
        let path = |read: &mut Reader, name: &str, default: &str| read.optional(name, page).unwrap_or_else(|| default.to_owned());
        Self {
            alerts_topic: read.optional("PALISADE_TOPIC_ALERTS", topic),
            notices_topic: read.optional("PALISADE_TOPIC_NOTICES", topic),
            webhook: webhook(read, if is_local { Reach::ThisMachine } else { Reach::Public }),
            webhook_timeout: Duration::from_millis(webhook_ms),
            mail_from: read.optional("PALISADE_MAIL_FROM", sender),
            base_url: read.optional("PALISADE_BASE_URL", origin),
            confirm_path: path(read, "PALISADE_CONFIRM_PATH", "/signup/confirm"),
            reset_path: path(read, "PALISADE_RESET_PATH", "/password/reset"),
            sns_endpoint: read.optional("AWS_ENDPOINT_URL_SNS", |url| Ok(url.to_owned())),
            ses_endpoint: read.optional("AWS_ENDPOINT_URL_SESV2", |url| Ok(url.to_owned())),
        }
    }

    /// Where `token`, of a notice of `kind`, is used; `None` without a base URL. It never comes from a request (CASES W13).
    pub fn link(&self, kind: NoticeKind, token: &SecretText) -> Option<SecretText> {
        let path = match kind {
            NoticeKind::ConfirmSignUp => &self.confirm_path,
            // Typed where the sign-in waits for it.
            NoticeKind::SignInCode => return None,
            _ => &self.reset_path,
        };
        let base = self.base_url.as_ref().filter(|_| kind.grants())?;
        Some(SecretText::new(format!("{base}{path}#token={}", token.expose())))
    }
}

fn webhook(read: &mut Reader, reach: Reach) -> Option<WebhookTarget> {
    const NAMES: [&str; 2] = ["PALISADE_WEBHOOK_URL", "PALISADE_WEBHOOK_SECRET"];
    let [url, secret] = NAMES.map(|name| read.optional(name, |text| Ok(text.to_owned())));
    match (url, secret) {
        (None, None) => None,
        (Some(url), Some(secret)) => match WebhookTarget::parse(&url, &secret, reach) {
            Ok(target) => Some(target),
            Err(TargetError::Url(why)) => problem(read, NAMES[0], why),
            Err(TargetError::Secret(why)) => problem(read, NAMES[1], why),
        },
        (Some(_), None) => problem(read, NAMES[1], "is missing"),
        (None, Some(_)) => problem(read, NAMES[0], "is missing"),
    }
}

fn problem<T>(read: &mut Reader, name: &str, why: &str) -> Option<T> {
    read.problem(format!("{name} {why}"));
    None
}

fn topic(arn: &str) -> Result<String, String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let is_one = matches!(parts.as_slice(), ["arn", _, "sns", region, account, name] if [region, account, name].iter().all(|part| !part.is_empty()));
    if is_one { Ok(arn.to_owned()) } else { Err("must be the ARN of an SNS topic".into()) }
}

/// `name@domain`, or `Name <name@domain>`, on one line of printable ASCII.
fn sender(text: &str) -> Result<String, String> {
    let address = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map_or(text, |(_, address)| address);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let is_address = address.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
    let is_one = is_plain && is_address && !address.contains([' ', '<', '>', ',', ';']);
    if is_one { Ok(text.to_owned()) } else { Err("must be a sender such as Example <no-reply@example.com>".into()) }
}

fn page(path: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let is_one = path.starts_with('/') && !path.starts_with("//") && path.bytes().all(plain);
    if is_one { Ok(path.to_owned()) } else { Err("must be a path such as /password/reset".into()) }
}
