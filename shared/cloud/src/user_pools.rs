//! Cognito's own API, for operators: JSON in, JSON out, signed. A typed client would drop what it does not know of a pool, and an update that
//! lacks a setting resets it.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use palisade_core::settings::is_loopback;
use palisade_core::{Fault, Timestamp};
use reqwest::Client;
use serde_json::Value;

use crate::parts::Parts;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The API of one region.
#[derive(Debug)]
pub struct UserPools {
    url: String,
    region: String,
    credentials: Credentials,
    http: Client,
}

impl UserPools {
    /// Of `region`, or of a stand-in at `endpoint`.
    ///
    /// # Errors
    /// A fault when no HTTP client can be made.
    pub fn new(region: &str, endpoint: Option<&str>, parts: &Parts) -> Result<Self, Fault> {
        let url = endpoint.map_or_else(|| format!("https://cognito-idp.{region}.amazonaws.com"), str::to_owned);
        crate::hibp::install_tls();
        let http = Client::builder().timeout(TIMEOUT).https_only(!is_loopback(&url)).build();
        Ok(Self {
            url: format!("{}/", url.trim_end_matches('/')),
            region: region.to_owned(),
            credentials: parts.credentials.clone(),
            http: http.map_err(|error| Fault::unavailable("user pools", error))?,
        })
    }

    /// What `action` answers to `input`.
    ///
    /// # Errors
    /// A fault that holds what Cognito said.
    pub async fn call(&self, action: &str, input: &Value, now: Timestamp) -> Result<Value, Fault> {
        let body = input.to_string();
        let target = format!("AWSCognitoIdentityProviderService.{action}");
        let headers = [("content-type", "application/x-amz-json-1.1".to_owned()), ("x-amz-target", target)];
        let signed = self.sign(&headers, &body, now).ok_or_else(|| Fault::internal("a request cannot be signed"))?;
        let request = self.http.post(&self.url).body(body);
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = signed.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let reply = request.send().await.map_err(|error| Fault::unavailable("user pools", error.without_url()))?;
        let status = reply.status();
        let answer = reply.bytes().await.map_err(|error| Fault::unavailable("user pools", error.without_url()))?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let message = [text("message"), text("Message")].concat();
        Err(Fault::unavailable("user pools", format!("{action}: {status} {} {message}", text("__type"))))
    }

    fn sign(&self, headers: &[(&'static str, String)], body: &str, now: Timestamp) -> Option<Vec<(String, String)>> {
        let identity = self.credentials.clone().into();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.millis()).ok()?);
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("cognito-idp")
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new("POST", &self.url, headers, SignableBody::Bytes(body.as_bytes())).ok()?;
        let (instructions, _) = sign(request, &parameters).ok()?.into_parts();
        Some(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}
