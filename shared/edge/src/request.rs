//! An HTTP request as an event carried it, checked for everything that later steps rely on.

use std::fmt;

use http::{HeaderMap, HeaderValue, Method};
use palisade_core::assess::Seen;
use palisade_core::{ClientIp, UserAgent};
use zeroize::Zeroizing;

/// A request. Header values hold no control characters; names are lower case; cookies stand as `cookie` headers.
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The path without stage and query.
    pub path: String,
    /// The query's names and values.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The decoded body, at most [`crate::body::MAX_BYTES`].
    pub body: Option<Zeroizing<Vec<u8>>>,
    /// The client's address (requirement r38).
    pub client_ip: ClientIp,
    /// The gateway's id of the request, else the runtime's.
    pub request_id: String,
}

impl HttpRequest {
    /// The value of the query parameter `name`; `None` when it is missing or given twice.
    pub fn query(&self, name: &str) -> Option<&str> {
        let mut values = self.query.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }

    /// The first value of `name` that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        text(self.headers.get(name)?)
    }

    /// Every value of `name` that is text, in order.
    pub fn header_values<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> + use<'a> {
        values(&self.headers, name)
    }

    /// Where it comes from, for a session's binding.
    pub fn seen(&self) -> Seen {
        Seen { ip: self.client_ip, user_agent: self.user_agent() }
    }

    /// The browser's name; empty when there is none.
    pub fn user_agent(&self) -> UserAgent {
        let bytes = self.headers.get(http::header::USER_AGENT).map_or(&[][..], |value| value.as_bytes());
        UserAgent::new(&String::from_utf8_lossy(bytes))
    }
}

/// Method and path only: headers carry tokens, the body a password.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Every value of `name` in `headers` that is text, in order.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> + use<'a> {
    headers.get_all(name).iter().filter_map(text)
}

/// An event is JSON, so every value in it is UTF-8; dropping one for a character outside ASCII would let a client choose which hops of
/// `X-Forwarded-For`, or which cookies, are seen.
fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::HttpResponse;

    #[test]
    fn sc02_requests_and_answers_print_neither_headers_nor_body() {
        let headers = HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_static("canary-cookie"))]);
        let body = Some(Zeroizing::new(b"canary-body".to_vec()));
        let (path, request_id) = ("/login".to_owned(), "id".to_owned());
        let request =
            HttpRequest { method: Method::POST, path, query: Vec::new(), headers, body, client_ip: ClientIp::Unknown, request_id };
        let answer = HttpResponse::new(http::StatusCode::OK, "text/plain", "canary-answer".to_owned())
            .with_header(http::header::SET_COOKIE, "canary-cookie");
        let shown = format!("{request:?} {answer:?}");
        assert!(shown.contains("/login") && shown.contains("200") && !shown.contains("canary"), "{shown}");
    }
}
