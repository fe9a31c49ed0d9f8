//! The events API Gateway makes of a request, and the answer it makes of a function's result.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use base64ct::{Base64, Encoding};
use palisade_core::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// Which form of event the gateway sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Payload {
    /// HTTP API, payload 2.0.
    #[default]
    V2,
    /// REST API.
    Rest,
}

/// A request as the gateway received it.
pub(crate) struct Received<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    pub(crate) source_ip: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) now: Timestamp,
}

impl Received<'_> {
    pub(crate) fn event(&self, payload: Payload) -> String {
        match payload {
            Payload::V2 => self.v2().to_string(),
            Payload::Rest => self.rest().to_string(),
        }
    }

    /// The query's values by name, as they stand.
    fn query(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in self.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            all.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        all
    }

    /// The event that asks an authorizer about this request.
    pub(crate) fn authorizer_event(&self, payload: Payload, arn: &str) -> Value {
        let mut event = match payload {
            Payload::V2 => self.v2(),
            Payload::Rest => self.rest(),
        };
        if let Some(event) = event.as_object_mut() {
            for name in ["body", "isBase64Encoded"] {
                event.remove(name);
            }
            let name = if payload == Payload::V2 { "routeArn" } else { "methodArn" };
            event.extend([("type".to_owned(), json!("REQUEST")), (name.to_owned(), json!(arn))]);
        }
        event
    }

    fn v2(&self) -> Value {
        let (body, is_base64) = self.encoded_body();
        let route_key = format!("{} {}", self.method, self.uri.path());
        let mut headers = BTreeMap::new();
        let mut cookies = Vec::new();
        for (name, values) in self.grouped() {
            if name == "cookie" {
                cookies.extend(values.iter().flat_map(|value| value.split("; ")).map(str::to_owned));
            } else {
                headers.insert(name, values.join(","));
            }
        }
        let mut event = json!({
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": self.uri.path(),
            "rawQueryString": self.uri.query().unwrap_or_default(),
            "headers": headers,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "local",
                "domainPrefix": "local",
                "http": {
                    "method": self.method.as_str(),
                    "path": self.uri.path(),
                    "protocol": "HTTP/1.1",
                    "sourceIp": self.source_ip,
                    "userAgent": self.user_agent(),
                },
                "requestId": self.request_id,
                "routeKey": route_key,
                "stage": "$default",
                "time": self.now.to_string(),
                "timeEpoch": self.now.millis(),
            },
            "isBase64Encoded": is_base64,
        });
        if let Some(object) = event.as_object_mut() {
            object.extend((!cookies.is_empty()).then(|| ("cookies".to_owned(), json!(cookies))));
            object.extend(body.map(|body| ("body".to_owned(), json!(body))));
        }
        event
    }

    fn rest(&self) -> Value {
        let (body, is_base64) = self.encoded_body();
        let (multi, query) = (self.grouped(), self.query());
        json!({
            "resource": self.uri.path(),
            "path": self.uri.path(),
            "httpMethod": self.method.as_str(),
            "headers": last(&multi),
            "multiValueHeaders": multi,
            "queryStringParameters": last(&query),
            "multiValueQueryStringParameters": (!query.is_empty()).then_some(&query),
            "pathParameters": null,
            "stageVariables": null,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "httpMethod": self.method.as_str(),
                "identity": { "sourceIp": self.source_ip, "userAgent": self.user_agent() },
                "path": format!("/local{}", self.uri.path()),
                "protocol": "HTTP/1.1",
                "requestId": self.request_id,
                "requestTimeEpoch": self.now.millis(),
                "resourcePath": self.uri.path(),
                "stage": "local",
            },
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }

    fn grouped(&self) -> BTreeMap<String, Vec<String>> {
        let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in self.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            grouped.entry(name.as_str().to_owned()).or_default().push(value);
        }
        grouped
    }

    fn user_agent(&self) -> String {
        self.headers.get("user-agent").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
    }

    /// Text bodies as they are, all others in base64.
    fn encoded_body(&self) -> (Option<String>, bool) {
        if self.body.is_empty() {
            return (None, false);
        }
        let media_type = self.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_text = ["text/", "application/json", "application/javascript", "application/xml"]
            .iter()
            .any(|start| media_type.to_ascii_lowercase().starts_with(start));
        match std::str::from_utf8(self.body) {
            Ok(text) if is_text => (Some(text.to_owned()), false),
            _ => (Some(Base64::encode_string(self.body)), true),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResult {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: String,
}

/// What the gateway sends for `result`; a result it cannot read is its own 500.
pub(crate) fn response(result: &str) -> Response<String> {
    let built = serde_json::from_str::<FunctionResult>(result).ok().and_then(build);
    built.unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
}

fn build(result: FunctionResult) -> Option<Response<String>> {
    let mut response = Response::new(result.body);
    *response.status_mut() = StatusCode::from_u16(result.status_code).ok()?;
    let single = result.headers.into_iter();
    let multi =
        result.multi_value_headers.into_iter().flat_map(|(name, values)| values.into_iter().map(move |v| (name.clone(), v)));
    let cookies = result.cookies.into_iter().map(|cookie| ("set-cookie".to_owned(), cookie));
    for (name, value) in single.chain(multi).chain(cookies) {
        response.headers_mut().append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some(response)
}

/// An answer of the gateway itself.
pub(crate) fn message(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(json!({ "message": text }).to_string());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

/// What a REST API gives beside all values: the last of each; null for none.
fn last(multi: &BTreeMap<String, Vec<String>>) -> Option<BTreeMap<&str, &str>> {
    let last = multi.iter().filter_map(|(name, values)| Some((name.as_str(), values.last()?.as_str())));
    (!multi.is_empty()).then(|| last.collect())
}
