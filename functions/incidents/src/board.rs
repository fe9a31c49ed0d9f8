//! The operators' board: one static document, whose own script and style are all that a browser may run, by their hashes.

use base64ct::{Base64, Encoding};
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use palisade_core::Fault;
use palisade_core::secret::sha256;
use palisade_edge::HttpResponse;

const PAGE: &str = include_str!("board.html");

/// The page and what a browser may do with it. It holds no data: what it shows it asks for with its reader's session.
#[derive(Debug)]
pub(crate) struct Board {
    policy: String,
}

impl Board {
    /// # Errors
    /// A fault when the page is not made as this expects: nothing would run on it.
    pub(crate) fn new() -> Result<Self, Fault> {
        let (script, style) = (hash_of("script")?, hash_of("style")?);
        let policy = format!(
            "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        Ok(Self { policy })
    }

    pub(crate) fn page(&self) -> HttpResponse {
        let page = HttpResponse::new(StatusCode::OK, "text/html; charset=utf-8", PAGE.to_owned());
        page.with_header(CONTENT_SECURITY_POLICY, &self.policy)
    }
}

/// The hash of what stands in the page's one element `name`, in the form of a policy's source.
fn hash_of(name: &str) -> Result<String, Fault> {
    let inside = PAGE.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    let (inside, _) = inside.ok_or_else(|| Fault::internal("the board lacks its script or style"))?;
    Ok(format!("sha256-{}", Base64::encode_string(&sha256(inside.as_bytes()))))
}
