//! From each request to its flow, from the flow's outcome to the answer.

use http::StatusCode;
use http::header::SET_COOKIE;
use palisade_core::event::{EventKind, Trail};
use palisade_core::{Denial, InvalidRequest};
use palisade_edge::session::Presented;
use palisade_edge::{HttpRequest, HttpResponse, body, cookies, cross_site, granted, problem, session};
use palisade_flows::sessions::{self, Current, Listed, Reauthentication, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::Deps;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    password: Zeroizing<String>,
}

#[derive(Serialize)]
struct CurrentReply<'a> {
    account_id: &'a str,
    role: &'a str,
    auth_time: String,
    created_at: String,
    last_seen: String,
    expires_at: String,
    password_change_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_change_reason: Option<&'a str>,
    csrf_token: &'a str,
}

#[derive(Serialize)]
struct ListedReply {
    id: String,
    created_at: String,
    last_seen: String,
    ip: String,
    user_agent: String,
    current: bool,
}

/// Whatever is presented ends, also where it could not be told whose it is; nothing says whether it was anything.
pub(crate) async fn log_out(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let checked = cross_site::check(request, &deps.front.own_origins);
    if let Err(denial) = checked.inspect_err(|_| trail.note(EventKind::MaliciousCsrf)) {
        return problem::denied(request, &denial);
    }
    let presented = match session::all_presented(request, trail) {
        Ok(presented) => presented,
        Err(denial) => return problem::denied(request, &denial),
    };
    match sessions::log_out(&deps.flow, &presented, trail).await {
        Ok(()) => gone(),
        Err(fault) => problem::failed(request, &fault, trail),
    }
}

fn gone() -> HttpResponse {
    HttpResponse::empty(StatusCode::NO_CONTENT).with_header(SET_COOKIE, &cookies::no_session())
}

pub(crate) async fn current(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let presented = match reading(request, trail) {
        Ok(presented) => presented,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sessions::current(&deps.flow, &presented.key, &request.seen(), deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |current| HttpResponse::json(StatusCode::OK, &current_reply(&current)))
}

fn current_reply(current: &Current) -> CurrentReply<'_> {
    CurrentReply {
        account_id: &current.account_id,
        role: current.role,
        auth_time: current.auth_time.to_string(),
        created_at: current.created_at.to_string(),
        last_seen: current.last_seen.to_string(),
        expires_at: current.expires_at.to_string(),
        password_change_required: current.password_change_required.is_some(),
        password_change_reason: current.password_change_required,
        csrf_token: current.csrf_token.expose(),
    }
}

pub(crate) async fn list(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let presented = match reading(request, trail) {
        Ok(presented) => presented,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sessions::list(&deps.flow, &presented.key, &request.seen(), deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |listed| {
        let listed: Vec<ListedReply> = listed.into_iter().map(listed_reply).collect();
        HttpResponse::json(StatusCode::OK, &json!({ "sessions": listed }))
    })
}

fn listed_reply(listed: Listed) -> ListedReply {
    ListedReply {
        id: listed.id,
        created_at: listed.created_at.to_string(),
        last_seen: listed.last_seen.to_string(),
        ip: listed.ip,
        user_agent: listed.user_agent,
        current: listed.current,
    }
}

pub(crate) async fn end_one(deps: &Deps, request: &HttpRequest, id: &str, trail: &mut Trail) -> HttpResponse {
    let presented = match session::guarded(&deps.front, request, trail) {
        Ok(presented) => presented,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sessions::end_one(&deps.flow, &presented.key, id, &request.seen(), deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |()| HttpResponse::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn end_all(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let asked = session::guarded(&deps.front, request, trail).and_then(|presented| {
        let scope = match request.query("scope") {
            Some("others") => Scope::Others,
            Some("all") => Scope::All,
            _ => return Err(Denial::InvalidRequest(InvalidRequest::Query)),
        };
        Ok((presented, scope))
    });
    let (presented, scope) = match asked {
        Ok(asked) => asked,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sessions::end_all(&deps.flow, &presented.key, scope, &request.seen(), deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |()| match scope {
        Scope::All => gone(),
        Scope::Others => HttpResponse::empty(StatusCode::NO_CONTENT),
    })
}

pub(crate) async fn reauthenticate(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let asked = session::guarded(&deps.front, request, trail).and_then(|presented| {
        let body: PasswordBody = body::json(request)?;
        let asked = Reauthentication {
            session: presented.key,
            seen: request.seen(),
            password: body::password(body.password)?,
            device_token: session::device_token(request, trail),
        };
        Ok((asked, presented.mode))
    });
    let (asked, mode) = match asked {
        Ok(asked) => asked,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = sessions::reauthenticate(&deps.flow, &asked, deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |granted| granted::response(&granted, mode))
}

fn reading(request: &HttpRequest, trail: &mut Trail) -> Result<Presented, Denial> {
    session::presented(request, trail).ok_or(Denial::Unauthenticated)
}
