//! The operators' board: one static document, whose own script and style are all that a browser may run, by their hashes.

use std::sync::OnceLock;

use base64ct::{Base64, Encoding};
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use palisade_core::secret::sha256;
use palisade_edge::HttpResponse;

const PAGE: &str = include_str!("board.html");

/// The document. It holds no data: what it shows it asks for with its reader's session.
pub(crate) fn page() -> HttpResponse {
    static POLICY: OnceLock<String> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
             frame-ancestors 'none'",
            hash_of("script"),
            hash_of("style"),
        )
    });
    HttpResponse::new(StatusCode::OK, "text/html; charset=utf-8", PAGE.to_owned()).with_header(CONTENT_SECURITY_POLICY, policy)
}

/// The hash of what stands in the page's one element `name`, in the form of a policy's source.
fn hash_of(name: &str) -> String {
    let inside = PAGE.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    let inside = inside.map_or("", |(inside, _)| inside);
    format!("sha256-{}", Base64::encode_string(&sha256(inside.as_bytes())))
}
