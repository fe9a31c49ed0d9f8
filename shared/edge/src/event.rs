//! Reads API Gateway's events: HTTP API payload 2.0, payload 1.0 and REST.
//!
//! Read leniently where the gateway's form varies (nulls, missing parts) and strictly where a client could gain from it: control
//! characters, headers that contradict themselves, bodies that are no base64. Events of other sources are refused by form.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64ct::{Base64, Encoding};
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ipnet::IpNet;
use palisade_core::{ClientIp, Denial, InvalidRequest};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::body;
use crate::request::{self, HttpRequest};

/// The form an event came in, and its answer leaves in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// HTTP API, payload 2.0.
    V2,
    /// HTTP API payload 1.0 and REST API.
    V1,
}

/// The most headers that are read; API Gateway lets through 10 KB of them.
const MAX_HEADERS: usize = 128;
/// The most query parameters that are read.
const MAX_QUERY_PAIRS: usize = 32;
/// The most bytes of headers that are read.
const MAX_HEADER_BYTES: usize = 16 * 1024;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawEvent {
    version: Option<String>,
    r#type: Option<serde::de::IgnoredAny>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Option<Vec<String>>>>,
    path: Option<String>,
    http_method: Option<String>,
    headers: Option<BTreeMap<String, Option<String>>>,
    multi_value_headers: Option<BTreeMap<String, Option<Vec<String>>>>,
    cookies: Option<Vec<String>>,
    body: Option<Zeroizing<String>>,
    is_base64_encoded: Option<bool>,
    request_context: Option<RawContext>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawContext {
    elb: Option<serde::de::IgnoredAny>,
    stage: Option<String>,
    request_id: Option<String>,
    http: Option<RawHttp>,
    identity: Option<RawIdentity>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RawHttp {
    pub(crate) method: Option<String>,
    pub(crate) source_ip: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RawIdentity {
    pub(crate) source_ip: Option<String>,
}

/// The request in `event`, or why there is none; in both cases the form of the answer.
pub(crate) fn decode(event: &str, runtime_id: &str, trusted_proxies: &[IpNet]) -> (Format, Result<HttpRequest, Denial>) {
    let Ok(raw) = serde_json::from_str::<RawEvent>(event) else {
        return (Format::V2, Err(invalid(InvalidRequest::Event)));
    };
    let format = if raw.version.as_deref() == Some("2.0") || raw.http_method.is_none() { Format::V2 } else { Format::V1 };
    (format, request(raw, format, runtime_id, trusted_proxies))
}

fn invalid(what: InvalidRequest) -> Denial {
    Denial::InvalidRequest(what)
}

fn request(raw: RawEvent, format: Format, runtime_id: &str, trusted_proxies: &[IpNet]) -> Result<HttpRequest, Denial> {
    let context = raw.request_context.ok_or(invalid(InvalidRequest::Event))?;
    if raw.r#type.is_some() || context.elb.is_some() {
        return Err(invalid(InvalidRequest::Event));
    }
    let (method, path, source_ip) = match format {
        Format::V2 => {
            let http = context.http.ok_or(invalid(InvalidRequest::Event))?;
            (http.method, raw.raw_path.map(|path| without_stage(path, context.stage.as_deref())), http.source_ip)
        }
        Format::V1 => {
            let identity = context.identity.ok_or(invalid(InvalidRequest::Event))?;
            (raw.http_method, raw.path, identity.source_ip)
        }
    };
    let (Some(method), Some(path)) = (method, path) else {
        return Err(invalid(InvalidRequest::Event));
    };
    let headers =
        headers(raw.headers.unwrap_or_default(), raw.multi_value_headers.unwrap_or_default(), raw.cookies.unwrap_or_default())?;
    let source_ip = source_ip.and_then(|ip| ip.parse::<IpAddr>().ok());
    Ok(HttpRequest {
        method: Method::from_bytes(method.as_bytes()).map_err(|_| invalid(InvalidRequest::Event))?,
        path,
        client_ip: ClientIp::resolve(source_ip, request::values(&headers, "x-forwarded-for"), trusted_proxies),
        query: match format {
            Format::V2 => raw_query(&raw.raw_query_string.unwrap_or_default()),
            Format::V1 => query(raw.query_string_parameters, raw.multi_value_query_string_parameters),
        },
        headers,
        body: raw.body.as_ref().map(|text| decoded_body(text, raw.is_base64_encoded.unwrap_or(false))).transpose()?,
        request_id: context.request_id.filter(|id| is_plain_id(id)).unwrap_or_else(|| runtime_id.to_owned()),
    })
}

/// Names and values as they stand: what routes take has nothing to decode.
fn raw_query(raw: &str) -> Vec<(String, String)> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty()).take(MAX_QUERY_PAIRS);
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (name.into(), value.into())).collect()
}

/// A REST event gives all values of each name, and the last one; where there are none of all, that one is all there is.
fn query(
    single: Option<BTreeMap<String, Option<String>>>,
    multi: Option<BTreeMap<String, Option<Vec<String>>>>,
) -> Vec<(String, String)> {
    let all = multi
        .unwrap_or_default()
        .into_iter()
        .flat_map(|(name, values)| values.unwrap_or_default().into_iter().map(move |value| (name.clone(), value)));
    let mut query: Vec<_> = all.take(MAX_QUERY_PAIRS).collect();
    if query.is_empty() {
        let single = single.unwrap_or_default().into_iter().take(MAX_QUERY_PAIRS);
        query.extend(single.map(|(name, value)| (name, value.unwrap_or_default())));
    }
    query
}

/// `rawPath` starts with the stage's name unless that is `$default`.
fn without_stage(path: String, stage: Option<&str>) -> String {
    let stripped = stage
        .filter(|stage| *stage != "$default")
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'))
        .map(str::to_owned);
    stripped.unwrap_or(path)
}

fn is_plain_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

fn decoded_body(text: &Zeroizing<String>, is_base64: bool) -> Result<Zeroizing<Vec<u8>>, Denial> {
    let most = if is_base64 { body::MAX_BYTES.div_ceil(3) * 4 } else { body::MAX_BYTES };
    if text.len() > most {
        return Err(Denial::PayloadTooLarge);
    }
    if !is_base64 {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    let decoded = Base64::decode_vec(text).map(Zeroizing::new).map_err(|_| invalid(InvalidRequest::Body))?;
    if decoded.len() > body::MAX_BYTES { Err(Denial::PayloadTooLarge) } else { Ok(decoded) }
}

pub(crate) fn headers(
    single: BTreeMap<String, Option<String>>,
    multi: BTreeMap<String, Option<Vec<String>>>,
    cookies: Vec<String>,
) -> Result<HeaderMap, Denial> {
    let mut all = Headers::default();
    for (name, values) in multi {
        for value in values.unwrap_or_default() {
            all.append(&name, &value)?;
        }
    }
    one_value(&all.map, &ORIGIN)?;
    one_value(&all.map, &CONTENT_TYPE)?;
    let from_multi = all.map.clone();
    for (name, value) in single {
        let Some(value) = value else { continue };
        // Payload 2.0 lists cookies apart; a joined copy beside the list would make each of them ambiguous.
        if !cookies.is_empty() && name.eq_ignore_ascii_case(COOKIE.as_str()) {
            continue;
        }
        let known = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| from_multi.contains_key(name));
        match known {
            Some(name) => agree(&from_multi, &name, &value)?,
            None => all.append(&name, &value)?,
        }
    }
    for cookie in cookies {
        all.append(COOKIE.as_str(), &cookie)?;
    }
    Ok(all.map)
}

#[derive(Default)]
struct Headers {
    map: HeaderMap,
    bytes: usize,
}

impl Headers {
    fn append(&mut self, name: &str, value: &str) -> Result<(), Denial> {
        self.bytes = self.bytes.saturating_add(name.len() + value.len());
        if self.bytes > MAX_HEADER_BYTES || self.map.len() >= MAX_HEADERS {
            return Err(Denial::PayloadTooLarge);
        }
        // U+FFFD is what a decoder put where bytes were no text.
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(InvalidRequest::Headers))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok().filter(|_| !value.contains('\u{fffd}'));
        self.map.append(name, value.ok_or(invalid(InvalidRequest::Headers))?);
        Ok(())
    }
}

/// A header that decides must not come twice with different values.
fn one_value(headers: &HeaderMap, name: &HeaderName) -> Result<(), Denial> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.all(|value| Some(value) == first) { Ok(()) } else { Err(invalid(InvalidRequest::Headers)) }
}

/// A REST event gives every header twice: all values, and the last one. Where that matters they must agree.
fn agree(multi: &HeaderMap, name: &HeaderName, single: &str) -> Result<(), Denial> {
    let decides = [COOKIE, ORIGIN, CONTENT_TYPE].contains(name);
    let last = multi.get_all(name).iter().next_back().map(HeaderValue::as_bytes);
    if decides && last != Some(single.as_bytes()) { Err(invalid(InvalidRequest::Headers)) } else { Ok(()) }
}
