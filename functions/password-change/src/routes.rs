//! From each request to its flow, from the flow's outcome to the answer.

use http::StatusCode;
use palisade_core::Denial;
use palisade_core::event::{EventKind, Trail};
use palisade_edge::granted::{self, Mode};
use palisade_edge::{HttpRequest, HttpResponse, body, cross_site, problem, session};
use palisade_flows::change::{self, Change};
use palisade_flows::reset;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use zeroize::Zeroizing;

use crate::Deps;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    current_password: Zeroizing<String>,
    new_password: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestBody {
    identifier: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetBody {
    token: Zeroizing<String>,
    new_password: Zeroizing<String>,
}

pub(crate) async fn change(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let (wanted, mode) = match wanted_change(deps, request, trail) {
        Ok(wanted) => wanted,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = change::change(&deps.change, &wanted, deps.change.now(), trail).await;
    problem::answered(request, done, trail, |granted| granted::response(&granted, mode))
}

fn wanted_change(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> Result<(Change, Mode), Denial> {
    let presented = session::guarded(&deps.front, request, trail)?;
    let body: ChangeBody = body::json(request)?;
    let change = Change {
        session: presented.key,
        seen: request.seen(),
        current: body::password(body.current_password)?,
        new: body::password(body.new_password)?,
        device_token: session::device_token(request, trail),
    };
    Ok((change, presented.mode))
}

pub(crate) async fn request_reset(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let wanted = read::<RequestBody>(deps, request, trail).and_then(|body| body::identifier(&body.identifier, trail));
    let identifier = match wanted {
        Ok(identifier) => identifier,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = reset::request(&deps.reset, &identifier, request.client_ip, deps.reset.now(), trail).await;
    problem::answered(request, done, trail, |()| HttpResponse::json(StatusCode::ACCEPTED, &json!({ "status": "accepted" })))
}

pub(crate) async fn reset(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let wanted = read::<ResetBody>(deps, request, trail).and_then(|body| Ok((body.token, body::password(body.new_password)?)));
    let (token, new) = match wanted {
        Ok(wanted) => wanted,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = reset::reset(&deps.reset, &token, &new, request.client_ip, deps.reset.now(), trail).await;
    problem::answered(request, done, trail, |()| HttpResponse::empty(StatusCode::NO_CONTENT))
}

fn read<T: DeserializeOwned>(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> Result<T, Denial> {
    cross_site::check(request, &deps.front.own_origins).inspect_err(|_| trail.note(EventKind::MaliciousCsrf))?;
    body::json(request)
}
