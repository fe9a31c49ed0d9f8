//! Lambda authorizer events of API Gateway, and the decision in the form that each wants.
//!
//! The form is told by the event itself. Read leniently: whatever is missing or misshapen is nobody, never an error where a refusal is
//! meant. A refusal is one constant per form.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;
use palisade_core::{ClientIp, UserAgent};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::event::{RawHttp, RawIdentity, headers};
use crate::request;
use crate::serve::Outcome;

/// How the decision is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// HTTP API, payload 2.0, simple responses.
    Simple,
    /// HTTP API, payload 2.0 or 1.0, as a policy.
    Policy,
    /// REST API: as a policy, and a refusal as the one text that becomes a 401.
    Rest,
}

/// A request that an authorizer is asked about.
#[derive(Debug)]
pub struct Asked {
    /// How to answer.
    pub form: Form,
    /// The method's ARN, for a policy.
    pub arn: Option<String>,
    /// The method.
    pub method: String,
    /// The headers; cookies stand as `cookie` headers. Without any there is nobody.
    pub headers: HeaderMap,
    /// The bearer token of a REST TOKEN event, which carries nothing else.
    pub bare_token: Option<String>,
    /// Where from.
    pub client_ip: ClientIp,
    /// The gateway's id of the request, where the event has one.
    pub request_id: Option<String>,
    /// The path, for the log.
    pub path: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawEvent {
    version: Option<String>,
    r#type: Option<String>,
    method_arn: Option<String>,
    route_arn: Option<String>,
    authorization_token: Option<String>,
    http_method: Option<String>,
    raw_path: Option<String>,
    path: Option<String>,
    headers: Option<BTreeMap<String, Option<String>>>,
    multi_value_headers: Option<BTreeMap<String, Option<Vec<String>>>>,
    cookies: Option<Vec<String>>,
    request_context: Option<RawContext>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawContext {
    request_id: Option<String>,
    http: Option<RawHttp>,
    identity: Option<RawIdentity>,
}

/// Reads `event`; 2.0 events are answered as a policy with `policies`, else simply. What is no authorizer event at all is nobody's, and
/// refused as its outline suggests.
pub fn read(event: &str, policies: bool, trusted_proxies: &[IpNet]) -> Asked {
    let outline: Value = serde_json::from_str(event).unwrap_or_default();
    let version = outline.get("version").and_then(Value::as_str);
    let form = match version {
        Some("2.0") if policies => Form::Policy,
        Some("2.0") => Form::Simple,
        Some(_) => Form::Policy,
        None => Form::Rest,
    };
    let nobody = Asked::nobody(form);
    match serde_json::from_value::<RawEvent>(outline) {
        Ok(raw) => asked(raw, nobody, trusted_proxies),
        Err(_) => nobody,
    }
}

fn asked(raw: RawEvent, nobody: Asked, trusted_proxies: &[IpNet]) -> Asked {
    let context = raw.request_context.unwrap_or_default();
    let http = context.http.unwrap_or_default();
    let identity = context.identity.unwrap_or_default();
    // Exactly the forms that are documented; a WebSocket's connection, which would outlive its session, is none of them.
    let (is_token, method, source_ip, arn) = match (raw.version.as_deref(), raw.r#type.as_deref()) {
        (Some("2.0"), Some("REQUEST")) => (false, http.method, http.source_ip, raw.route_arn),
        (Some("1.0") | None, Some("REQUEST")) => (false, raw.http_method, identity.source_ip, raw.method_arn),
        (None, Some("TOKEN")) => (true, Some(String::new()), None, raw.method_arn),
        _ => return nobody,
    };
    let Some(method) = method else {
        return Asked { arn, ..nobody };
    };
    let source_ip = source_ip.and_then(|ip| ip.parse::<IpAddr>().ok());
    let known = Asked {
        client_ip: ClientIp::resolve(source_ip, std::iter::empty(), &[]),
        path: raw.raw_path.or(raw.path).unwrap_or_default(),
        request_id: context.request_id,
        method,
        arn,
        bare_token: is_token.then(|| raw.authorization_token.unwrap_or_default()),
        ..nobody
    };
    let headers =
        headers(raw.headers.unwrap_or_default(), raw.multi_value_headers.unwrap_or_default(), raw.cookies.unwrap_or_default());
    match headers {
        // Nobody's, and the log still says where from.
        Err(_) => known,
        Ok(headers) => Asked {
            client_ip: ClientIp::resolve(source_ip, request::values(&headers, "x-forwarded-for"), trusted_proxies),
            headers,
            ..known
        },
    }
}

impl Asked {
    /// A request of nobody, to be refused in this form.
    pub fn nobody(form: Form) -> Self {
        Self {
            form,
            arn: None,
            method: String::new(),
            headers: HeaderMap::new(),
            bare_token: None,
            client_ip: ClientIp::Unknown,
            request_id: None,
            path: String::new(),
        }
    }

    /// With what.
    pub fn user_agent(&self) -> UserAgent {
        let bytes = self.headers.get(http::header::USER_AGENT).map_or(&[][..], |value| value.as_bytes());
        UserAgent::new(&String::from_utf8_lossy(bytes))
    }

    /// The refusal: the same for every reason.
    pub fn deny(&self) -> Outcome {
        match self.form {
            Form::Simple => Outcome::Result(json!({ "isAuthorized": false }).to_string()),
            Form::Policy => Outcome::Result(self.policy("Deny", "nobody", &Map::new())),
            // Any other text becomes a 500.
            Form::Rest => Outcome::Error("Unauthorized"),
        }
    }

    /// Lets `principal` in, with what the functions behind get to know: text only.
    pub fn allow(&self, principal: &str, context: &[(&str, String)]) -> Outcome {
        let context: Map<String, Value> =
            context.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
        match self.form {
            Form::Simple => Outcome::Result(json!({ "isAuthorized": true, "context": context }).to_string()),
            Form::Policy | Form::Rest if !self.names_one_method() => self.deny(),
            Form::Policy | Form::Rest => Outcome::Result(self.policy("Allow", principal, &context)),
        }
    }

    /// A request's path is part of the ARN: one with wildcards in it would allow other paths as well, one that is missing nothing or all.
    fn names_one_method(&self) -> bool {
        self.arn.as_deref().is_some_and(|arn| !arn.contains(['*', '?']) && !arn.contains("${"))
    }

    /// For exactly the method that was asked about: a cached policy must not match another.
    fn policy(&self, effect: &str, principal: &str, context: &Map<String, Value>) -> String {
        let statement = json!({
            "Action": "execute-api:Invoke",
            "Effect": effect,
            "Resource": self.arn.as_deref().unwrap_or("arn:aws:execute-api:::none"),
        });
        json!({
            "principalId": principal,
            "policyDocument": { "Version": "2012-10-17", "Statement": [statement] },
            "context": context,
        })
        .to_string()
    }
}
