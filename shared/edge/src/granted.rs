//! The answer that hands out a session: after a login, a re-authentication and a change of the password.

use http::StatusCode;
use http::header::SET_COOKIE;
use palisade_core::anomaly::Anomaly;
use palisade_core::secret::SecretText;
use palisade_core::session::Granted;
use serde::{Deserialize, Serialize};

use crate::cookies;
use crate::response::HttpResponse;

/// How a session is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As cookies.
    #[default]
    Cookie,
    /// In the body, for apps.
    Bearer,
}

#[derive(Serialize)]
struct Reply<'a> {
    account_id: &'a str,
    csrf_token: &'a str,
    expires_at: String,
    idle_timeout_s: u64,
    password_change_required: bool,
    anomalies: &'a [Anomaly],
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<&'a str>,
}

/// 200 with the session, in the form that `mode` says.
pub fn response<'a>(granted: &'a Granted, mode: Mode) -> HttpResponse {
    let in_body = |token: &'a SecretText| (mode == Mode::Bearer).then(|| token.expose());
    let reply = Reply {
        account_id: &granted.account_id,
        csrf_token: granted.csrf_token.expose(),
        expires_at: granted.expires_at.to_string(),
        idle_timeout_s: granted.idle_timeout.as_secs(),
        password_change_required: granted.password_change_required,
        anomalies: &granted.anomalies,
        token: in_body(&granted.token),
        device_token: in_body(&granted.device_token),
    };
    let response = HttpResponse::json(StatusCode::OK, &reply);
    match mode {
        Mode::Bearer => response,
        Mode::Cookie => response
            .with_header(SET_COOKIE, &cookies::session(&granted.token))
            .with_header(SET_COOKIE, &cookies::device(&granted.device_token, granted.device_lifetime)),
    }
}
