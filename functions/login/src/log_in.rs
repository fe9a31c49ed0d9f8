//! `POST /login`: from the request to an attempt, from its outcome to the answer.

use std::sync::Arc;

use http::StatusCode;
use http::header::{AUTHORIZATION, SET_COOKIE};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::identifier::IdentifierError;
use palisade_core::secret::SecretText;
use palisade_core::session::SessionKey;
use palisade_core::{Denial, Identifier, InvalidRequest, Password};
use palisade_edge::cookies::{self, Cookie};
use palisade_edge::{HttpRequest, HttpResponse, body, cross_site, problem};
use palisade_flows::login::{self, Attempt, LoggedIn, Outcome};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Deps;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    identifier: String,
    password: Zeroizing<String>,
    #[serde(default)]
    mode: Mode,
}

/// How the session is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Cookie,
    Bearer,
}

#[derive(Serialize)]
struct Reply<'a> {
    account_id: &'a str,
    csrf_token: &'a str,
    expires_at: String,
    idle_timeout_s: u64,
    password_change_required: bool,
    anomalies: [&'a str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<&'a str>,
}

pub(crate) async fn log_in(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    match attempt(deps, request, trail) {
        Err(denial) => problem::denied(request, &denial),
        Ok((attempt, mode)) => match login::login(&deps.flow, attempt, deps.flow.now(), trail).await {
            Ok(outcome) => render(request, &outcome, mode),
            Err(fault) => {
                trail.record(Event::new(EventKind::DependencyFailed).reason(fault.chain()));
                problem::failed(request, &fault)
            }
        },
    }
}

fn attempt(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> Result<(Attempt, Mode), Denial> {
    cross_site::check(request, &deps.front.own_origins).inspect_err(|_| trail.note(EventKind::MaliciousCsrf))?;
    let body: Body = body::json(request)?;
    let identifier = Identifier::parse(&body.identifier).map_err(|error| {
        if error == IdentifierError::MixedScripts {
            trail.note(EventKind::InputMixedScripts);
        }
        Denial::InvalidRequest(InvalidRequest::Identifier)
    })?;
    let password = Password::of(body.password).ok_or(Denial::InvalidRequest(InvalidRequest::PasswordTooLong))?;
    let attempt = Attempt {
        identifier,
        password: Arc::new(password),
        ip: request.client_ip,
        user_agent: request.user_agent(),
        device_token: device_token(request, trail),
        presented: presented_session(request, trail),
    };
    Ok((attempt, body.mode))
}

fn device_token(request: &HttpRequest, trail: &mut Trail) -> Option<SecretText> {
    let token = request.header("x-device-token").or_else(|| one_cookie(request, cookies::DEVICE, trail));
    token.map(|token| SecretText::new(token.to_owned()))
}

/// The session sent along, as a cookie or as a bearer token; with both and different, none is taken for the caller's.
fn presented_session(request: &HttpRequest, trail: &mut Trail) -> Option<SessionKey> {
    let bearer = request.header(AUTHORIZATION.as_str()).and_then(bearer);
    let cookie = one_cookie(request, cookies::SESSION, trail);
    match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => None,
        (token, other) => SessionKey::of_token(token.or(other)?),
    }
}

/// The token in an `Authorization` header; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn one_cookie<'a>(request: &'a HttpRequest, name: &str, trail: &mut Trail) -> Option<&'a str> {
    match cookies::find(request, name) {
        Cookie::Absent => None,
        Cookie::One(value) => Some(value),
        Cookie::Ambiguous => {
            trail.record(Event::new(EventKind::CookieAmbiguous).reason(name));
            None
        }
    }
}

fn render(request: &HttpRequest, outcome: &Outcome, mode: Mode) -> HttpResponse {
    let response = match &outcome.result {
        Err(denial) => problem::denied(request, denial),
        Ok(logged_in) => logged_in_response(logged_in, mode),
    };
    problem::with_rate(response, outcome.rate.as_ref())
}

fn logged_in_response<'a>(logged_in: &'a LoggedIn, mode: Mode) -> HttpResponse {
    let in_body = |token: &'a SecretText| (mode == Mode::Bearer).then(|| token.expose());
    let reply = Reply {
        account_id: &logged_in.account_id,
        csrf_token: logged_in.csrf_token.expose(),
        expires_at: logged_in.expires_at.to_string(),
        idle_timeout_s: logged_in.idle_timeout.as_secs(),
        password_change_required: logged_in.password_change_required,
        anomalies: [],
        token: in_body(&logged_in.token),
        device_token: in_body(&logged_in.device_token),
    };
    let response = HttpResponse::json(StatusCode::OK, &reply);
    match mode {
        Mode::Bearer => response,
        Mode::Cookie => response
            .with_header(SET_COOKIE, &cookies::session(&logged_in.token))
            .with_header(SET_COOKIE, &cookies::device(&logged_in.device_token, logged_in.device_lifetime)),
    }
}
