//! The JSON body of a request: by content type, size and form, without ever repeating any of it.

use http::header::CONTENT_TYPE;
use palisade_core::event::{EventKind, Trail};
use palisade_core::identifier::IdentifierError;
use palisade_core::{Denial, Identifier, InvalidRequest, Password};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use zeroize::Zeroizing;

use crate::request::HttpRequest;

/// The largest body that is read, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// The body as `T`.
///
/// # Errors
/// `UnsupportedMediaType` unless the content type is JSON in UTF-8, before anything is parsed; `InvalidRequest` for a missing body or
/// one that is not exactly a `T`: trailing text, and the unknown and duplicate fields that a `T` with `deny_unknown_fields` refuses.
pub fn json<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Denial> {
    let mut types = request.headers.get_all(CONTENT_TYPE).iter();
    let content_type = types.next().and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(is_json) || types.next().is_some() {
        return Err(Denial::UnsupportedMediaType);
    }
    let body = request.body.as_ref().filter(|body| !body.is_empty());
    let body = body.ok_or(Denial::InvalidRequest(InvalidRequest::NoBody))?;
    serde_json::from_slice(body).map_err(|_| Denial::InvalidRequest(InvalidRequest::Body))
}

/// A password out of a body.
///
/// # Errors
/// `InvalidRequest` when it is longer than any password is read.
pub fn password(text: Zeroizing<String>) -> Result<Arc<Password>, Denial> {
    Password::of(text).map(Arc::new).ok_or(Denial::InvalidRequest(InvalidRequest::PasswordTooLong))
}

/// An identifier out of a body; one that mixes scripts is told to `trail`.
///
/// # Errors
/// `InvalidRequest` when it is no possible name.
pub fn identifier(text: &str, trail: &mut Trail) -> Result<Identifier, Denial> {
    Identifier::parse(text).map_err(|error| {
        if error == IdentifierError::MixedScripts {
            trail.note(EventKind::InputMixedScripts);
        }
        Denial::InvalidRequest(InvalidRequest::Identifier)
    })
}

/// `application/json`, with no parameter but `charset=utf-8`.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts.all(|parameter| matches!(parameter.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i04_only_json_in_utf_8_is_json() {
        for good in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\""]
        {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/jsonp",
            "application/json, text/plain",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
