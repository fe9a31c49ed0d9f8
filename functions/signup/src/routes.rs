//! From each request to its flow, from the flow's outcome to the answer.

use http::StatusCode;
use palisade_core::event::{EventKind, Trail};
use palisade_core::settings::IdentifierKind;
use palisade_core::{Denial, Identifier, InvalidRequest};
use palisade_edge::{HttpRequest, HttpResponse, body, cross_site, problem};
use palisade_flows::sign_up::{self, SignUp, SignedUp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::Deps;

/// The longest name in characters: Django's.
const MAX_NAME_CHARS: usize = 150;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUpBody {
    #[serde(default)]
    email: Option<String>,
    password: Zeroizing<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    token: Zeroizing<String>,
    password: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResendBody {
    identifier: String,
}

pub(crate) async fn sign_up(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let wanted = read(deps, request, trail).and_then(|body| wanted(deps, body, trail));
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sign_up::sign_up(&deps.flow, wanted, request.client_ip, deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |signed_up| match signed_up {
        SignedUp::Waiting => accepted(),
        SignedUp::Created(account_id) => created(&account_id),
    })
}

pub(crate) async fn confirm(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let wanted = read::<ConfirmBody>(deps, request, trail).and_then(|body| Ok((body.token, body::password(body.password)?)));
    let (token, password) = match wanted {
        Ok(wanted) => wanted,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sign_up::confirm(&deps.flow, &token, &password, request.client_ip, deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |account_id| created(&account_id))
}

pub(crate) async fn resend(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let wanted = read::<ResendBody>(deps, request, trail).and_then(|body| body::identifier(&body.identifier, trail));
    let identifier = match wanted {
        Ok(identifier) => identifier,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sign_up::resend(&deps.flow, &identifier, request.client_ip, deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |()| accepted())
}

fn read<T: DeserializeOwned>(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> Result<T, Denial> {
    cross_site::check(request, &deps.front.own_origins).inspect_err(|_| trail.note(EventKind::MaliciousCsrf))?;
    body::json(request)
}

fn accepted() -> HttpResponse {
    HttpResponse::json(StatusCode::ACCEPTED, &json!({ "status": "accepted" }))
}

fn created(account_id: &str) -> HttpResponse {
    HttpResponse::json(StatusCode::CREATED, &json!({ "account_id": account_id }))
}

/// The sign-up in `body`, its names in the form they are kept in.
fn wanted(deps: &Deps, body: SignUpBody, trail: &mut Trail) -> Result<SignUp, Denial> {
    let missing = || Denial::InvalidRequest(InvalidRequest::Attributes);
    let email = body.email.map(|email| body::identifier(&email, trail)).transpose()?;
    let username = body.username.map(|username| body::identifier(&username, trail)).transpose()?;
    if email.as_ref().is_some_and(|email| !is_address(email)) || username.as_ref().is_some_and(|name| name.as_str().contains('@')) {
        return Err(missing());
    }
    let identifier = match deps.identifier {
        IdentifierKind::Email => email.clone(),
        IdentifierKind::Username => username.clone(),
    };
    // Notices go to the e-mail address, so there is none without one.
    let email = email.ok_or_else(missing)?;
    Ok(SignUp {
        identifier: identifier.ok_or_else(missing)?,
        email: Some(email.as_str().to_owned()),
        username: username.map(|username| username.as_str().to_owned()),
        first_name: body.first_name.map(|name| personal_name(&name)).transpose()?,
        last_name: body.last_name.map(|name| personal_name(&name)).transpose()?,
        password: body::password(body.password)?,
    })
}

/// One `@` with something on both sides.
fn is_address(email: &Identifier) -> bool {
    email.as_str().split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

/// In NFC without outer white space, bounded, without control characters.
fn personal_name(name: &str) -> Result<String, Denial> {
    let name: String = name.trim().nfc().collect();
    let is_fine = name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(|c| c.is_control() || c == '\u{fffd}');
    if is_fine { Ok(name) } else { Err(Denial::InvalidRequest(InvalidRequest::Attributes)) }
}
