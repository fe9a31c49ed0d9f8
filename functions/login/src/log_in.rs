//! `POST /login`: from the request to an attempt, from its outcome to the answer.

use palisade_core::Denial;
use palisade_core::event::{EventKind, Trail};
use palisade_edge::granted::{self, Mode};
use palisade_edge::{HttpRequest, HttpResponse, body, cross_site, problem, session};
use palisade_flows::login::{self, Attempt};
use serde::Deserialize;
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

pub(crate) async fn log_in(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    match attempt(deps, request, trail) {
        Err(denial) => problem::denied(request, &denial),
        Ok((attempt, mode)) => {
            let done = login::login(&deps.flow, attempt, deps.flow.now(), trail).await;
            problem::answered(request, done, trail, |granted| granted::response(&granted, mode))
        }
    }
}

fn attempt(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> Result<(Attempt, Mode), Denial> {
    cross_site::check(request, &deps.front.own_origins).inspect_err(|_| trail.note(EventKind::MaliciousCsrf))?;
    let body: Body = body::json(request)?;
    let identifier = body::identifier(&body.identifier, trail)?;
    let attempt = Attempt {
        identifier,
        password: body::password(body.password)?,
        ip: request.client_ip,
        user_agent: request.user_agent(),
        device_token: session::device_token(request, trail),
        presented: session::all_presented(request, trail)?,
    };
    Ok((attempt, body.mode))
}
