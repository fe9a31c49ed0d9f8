//! An answer, the headers that every answer carries, and its form as an event's result.

use std::collections::BTreeMap;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::event::Format;

/// An answer. `Debug` shows the status only: headers and body can carry tokens.
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// Headers beside those that [`HttpResponse::with_security_headers`] adds.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

impl HttpResponse {
    /// `body` of the media type `content_type`.
    pub fn new(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers, body }
    }

    /// Nothing but `status`.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: String::new() }
    }

    /// `body` as JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self::new(status, "application/json", serde_json::to_string(body).unwrap_or_default())
    }

    /// With `name: value` added; a value that is no header value is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With the headers of requirement r24, on every answer there is.
    #[must_use]
    pub fn with_security_headers(mut self, hsts_preload: bool) -> Self {
        let hsts =
            if hsts_preload { "max-age=31536000; includeSubDomains; preload" } else { "max-age=31536000; includeSubDomains" };
        let fixed = [
            (STRICT_TRANSPORT_SECURITY, hsts),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            // The old filter is a hole of its own; zero switches it off.
            (X_XSS_PROTECTION, "0"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-store"),
        ];
        for (name, value) in fixed {
            // A page has a policy of its own.
            self.headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        self
    }

    /// The result text that `format` wants.
    pub(crate) fn encode(self, format: Format) -> String {
        let result = match format {
            Format::V2 => self.encode_v2(),
            Format::V1 => self.encode_v1(),
        };
        // Maps of text to text and numbers always serialise.
        result.unwrap_or_else(|_| r#"{"statusCode":500}"#.to_owned())
    }

    fn encode_v2(self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct V2<'a> {
            status_code: u16,
            headers: BTreeMap<&'a str, String>,
            cookies: Vec<String>,
            body: &'a str,
            is_base64_encoded: bool,
        }
        let mut headers = self.grouped();
        let cookies = headers.remove(SET_COOKIE.as_str()).unwrap_or_default();
        serde_json::to_string(&V2 {
            status_code: self.status.as_u16(),
            headers: headers.into_iter().map(|(name, values)| (name, values.join(", "))).collect(),
            cookies,
            body: &self.body,
            is_base64_encoded: false,
        })
    }

    fn encode_v1(self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct V1<'a> {
            status_code: u16,
            multi_value_headers: BTreeMap<&'a str, Vec<String>>,
            body: &'a str,
            is_base64_encoded: bool,
        }
        serde_json::to_string(&V1 {
            status_code: self.status.as_u16(),
            multi_value_headers: self.grouped(),
            body: &self.body,
            is_base64_encoded: false,
        })
    }

    fn grouped(&self) -> BTreeMap<&str, Vec<String>> {
        let mut grouped: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, value) in &self.headers {
            grouped.entry(name.as_str()).or_default().extend(value.to_str().ok().map(str::to_owned));
        }
        grouped
    }
}
