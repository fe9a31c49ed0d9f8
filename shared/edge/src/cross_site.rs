//! Whether a state-changing request came from our own site.
//!
//! `Sec-Fetch-Site` decides where a browser sends it: `same-origin` passes, `same-site` only with a listed `Origin`, anything else never.
//! Without it an `Origin` must be listed. With neither the request came from no browser, and there is nothing to forge.

use http::HeaderMap;
use http::header::ORIGIN;
use palisade_core::Denial;

use crate::request::HttpRequest;

/// # Errors
/// `CsrfFailed` when the request came from elsewhere. `own` lists the origins that may call, compared exactly.
pub fn check(request: &HttpRequest, own: &[String]) -> Result<(), Denial> {
    check_headers(&request.headers, own)
}

/// The same of an authorizer's headers.
///
/// # Errors
/// See [`check`].
pub fn check_headers(headers: &HeaderMap, own: &[String]) -> Result<(), Denial> {
    let listed = || {
        headers
            .get(ORIGIN)
            .map(|origin| origin.to_str())
            .map(|origin| origin.is_ok_and(|origin| own.iter().any(|one| one == origin)))
    };
    let passes = match headers.get("sec-fetch-site").map(|site| site.to_str()) {
        Some(Ok("same-origin")) => true,
        Some(Ok("same-site")) => listed() == Some(true),
        Some(_) => false,
        None => listed() != Some(false),
    };
    if passes { Ok(()) } else { Err(Denial::CsrfFailed) }
}
