//! From each request to its flow, from the flow's outcome to the answer.

use std::time::Duration;

use http::StatusCode;
use ipnet::IpNet;
use palisade_core::event::Trail;
use palisade_core::incident::record::{Action, Text, Verb};
use palisade_core::incident::{Incident, IncidentKind, IncidentSeverity, IncidentStatus};
use palisade_core::{Denial, Fault, InvalidRequest};
use palisade_edge::{HttpRequest, HttpResponse, body, problem, session};
use palisade_flows::Outcome;
use palisade_flows::incidents::{self, Asked, Containment, Filter};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Deps, reply};

/// How long an address is blocked unless the request says: an hour.
const BLOCKED_FOR_S: u64 = 3_600;

/// The longest: 30 days.
const MOST_BLOCKED_S: u64 = 30 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    version: u64,
    assigned_to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    version: u64,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolutionBody {
    version: u64,
    resolution: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionBody {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainBody {
    action: String,
    for_s: Option<u64>,
    network: Option<String>,
}

pub(crate) fn is_action(word: &str) -> bool {
    word == "contain" || Verb::parse(word).is_some()
}

pub(crate) async fn list(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let Some(presented) = session::presented(request, trail) else {
        return problem::denied(request, &Denial::Unauthenticated);
    };
    let filter = match filter(request) {
        Ok(filter) => filter,
        Err(denial) => return problem::denied(request, &denial),
    };
    let (seen, now) = (request.seen(), deps.flow.now());
    let asked = Asked { key: &presented.key, seen: &seen, now };
    let done = incidents::list(&deps.flow, &asked, &filter, request.query("cursor"), trail).await;
    problem::answered(request, done, trail, |listing| HttpResponse::json(StatusCode::OK, &reply::list(&listing)))
}

/// Only what is known, each at most once.
fn filter(request: &HttpRequest) -> Result<Filter, Denial> {
    const NAMES: [&str; 4] = ["status", "severity", "type", "cursor"];
    let bad = Denial::InvalidRequest(InvalidRequest::Query);
    let is_known = |name: &String| NAMES.contains(&name.as_str()) && request.query(name).is_some();
    if !request.query.iter().all(|(name, _)| is_known(name)) {
        return Err(bad);
    }
    Ok(Filter {
        statuses: words(request, "status", IncidentStatus::parse).ok_or(bad.clone())?,
        severities: words(request, "severity", IncidentSeverity::parse).ok_or(bad.clone())?,
        kind: match request.query("type") {
            None => None,
            Some(word) => Some(IncidentKind::parse(word).ok_or(bad)?),
        },
    })
}

/// The words of a list separated by commas; none where it is missing.
fn words<T>(request: &HttpRequest, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    request.query(name).map_or(Some(Vec::new()), |list| list.split(',').map(parse).collect())
}

pub(crate) async fn show(deps: &Deps, request: &HttpRequest, id: &str, trail: &mut Trail) -> HttpResponse {
    let Some(presented) = session::presented(request, trail) else {
        return problem::denied(request, &Denial::Unauthenticated);
    };
    let (seen, now) = (request.seen(), deps.flow.now());
    let asked = Asked { key: &presented.key, seen: &seen, now };
    let done = incidents::get(&deps.flow, &asked, id, trail).await;
    shown(request, done, trail)
}

pub(crate) async fn act(deps: &Deps, request: &HttpRequest, (id, word): (&str, &str), trail: &mut Trail) -> HttpResponse {
    let Some(verb) = Verb::parse(word) else {
        return problem::denied(request, &Denial::NotFound);
    };
    let read = session::guarded(&deps.front, request, trail).and_then(|presented| Ok((presented, action(request, verb)?)));
    let (presented, (version, action)) = match read {
        Ok(read) => read,
        Err(denial) => return problem::denied(request, &denial),
    };
    let (seen, now) = (request.seen(), deps.flow.now());
    let asked = Asked { key: &presented.key, seen: &seen, now };
    let done = incidents::act(&deps.flow, &asked, id, (version, &action), trail).await;
    shown(request, done, trail)
}

fn action(request: &HttpRequest, verb: Verb) -> Result<(u64, Action), Denial> {
    let note = |NoteBody { version, note }| (version, note);
    let resolution = |ResolutionBody { version, resolution }| (version, resolution);
    match verb {
        Verb::Assign => {
            let AssignBody { version, assigned_to } = body::json(request)?;
            Ok((version, Action::Assign(assigned_to.as_deref().map(text).transpose()?)))
        }
        Verb::Note => with_text(request, note, Action::Note),
        Verb::Reopen => with_text(request, note, Action::Reopen),
        Verb::Resolve => with_text(request, resolution, Action::Resolve),
        Verb::FalsePositive => with_text(request, resolution, Action::FalsePositive),
        Verb::Investigate => Ok((body::json::<VersionBody>(request)?.version, Action::Investigate)),
    }
}

fn with_text<T: DeserializeOwned>(
    request: &HttpRequest,
    parts: impl Fn(T) -> (u64, String),
    make: impl Fn(Text) -> Action,
) -> Result<(u64, Action), Denial> {
    let (version, written) = parts(body::json(request)?);
    Ok((version, make(text(&written)?)))
}

fn text(written: &str) -> Result<Text, Denial> {
    Text::new(written).ok_or(Denial::InvalidRequest(InvalidRequest::Text))
}

pub(crate) async fn contain(deps: &Deps, request: &HttpRequest, id: &str, trail: &mut Trail) -> HttpResponse {
    let read = session::guarded(&deps.front, request, trail).and_then(|presented| Ok((presented, containment(request)?)));
    let (presented, containment) = match read {
        Ok(read) => read,
        Err(denial) => return problem::denied(request, &denial),
    };
    let (seen, now) = (request.seen(), deps.flow.now());
    let asked = Asked { key: &presented.key, seen: &seen, now };
    let done = incidents::contain(&deps.flow, &asked, id, containment, trail).await;
    shown(request, done, trail)
}

fn containment(request: &HttpRequest) -> Result<Containment, Denial> {
    let ContainBody { action, for_s, network } = body::json(request)?;
    let bad = Denial::InvalidRequest(InvalidRequest::Body);
    let network = network.map(|network| network.parse::<IpNet>().map_err(|_| bad.clone())).transpose()?;
    match (action.as_str(), for_s, network) {
        ("end_sessions", None, None) => Ok(Containment::EndSessions),
        ("require_password_change", None, None) => Ok(Containment::RequirePasswordChange),
        ("unblock_address", None, network) => Ok(Containment::UnblockAddress { network }),
        ("block_address", for_s, network) => match for_s.unwrap_or(BLOCKED_FOR_S) {
            seconds @ 60..=MOST_BLOCKED_S => Ok(Containment::BlockAddress { span: Duration::from_secs(seconds), network }),
            _ => Err(bad),
        },
        _ => Err(bad),
    }
}

fn shown(request: &HttpRequest, done: Result<Outcome<Incident>, Fault>, trail: &mut Trail) -> HttpResponse {
    problem::answered(request, done, trail, |incident| HttpResponse::json(StatusCode::OK, &reply::incident(&incident)))
}
