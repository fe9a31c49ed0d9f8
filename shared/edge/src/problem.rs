//! The one table from denials and faults to answers (RFC 9457): status, code, sentence and headers of each.

use http::header::{ALLOW, LINK, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::ip_window::RateStatus;
use palisade_core::password::Violation;
use palisade_core::{Denial, Fault, Outcome};
use serde::Serialize;

use crate::accept::{Preferred, preferred};
use crate::request::HttpRequest;
use crate::response::HttpResponse;

/// What a client is told to wait after a 503, in seconds.
const UNAVAILABLE_RETRY_AFTER: u64 = 1;

/// An error as its client gets it.
struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    headers: Vec<(HeaderName, String)>,
    limit: Option<Limit>,
    /// Why, beside a limit's.
    reason: Option<&'static str>,
    errors: Vec<Violation>,
}

/// What a 429 says besides.
struct Limit {
    reason: &'static str,
    allowed: u64,
    reset_in: u64,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    errors: &'a [Violation],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_in: Option<u64>,
}

/// The answer to a denial, in the form the client prefers.
pub fn denied(request: &HttpRequest, denial: &Denial) -> HttpResponse {
    of_denial(denial).render(&request.request_id, preferred(request.header("accept")))
}

/// The answer to a fault, which is logged.
pub fn failed(request: &HttpRequest, fault: &Fault, trail: &mut Trail) -> HttpResponse {
    trail.record(Event::new(EventKind::DependencyFailed).reason(fault.chain()));
    of_fault(fault).render(&request.request_id, preferred(request.header("accept")))
}

/// The answer to an event that was no request.
pub(crate) fn unreadable(request_id: &str, denial: &Denial) -> HttpResponse {
    of_denial(denial).render(request_id, Preferred::Json)
}

/// The answer when the deadline passed.
pub(crate) fn late(request_id: &str) -> HttpResponse {
    unavailable().render(request_id, Preferred::Json)
}

/// The answer when a handler panicked.
pub(crate) fn broken(request_id: &str) -> HttpResponse {
    internal().render(request_id, Preferred::Json)
}

/// The answer to what a flow came to: what `render` makes of it, its denial or its fault, with the limits' headers.
pub fn answered<T>(
    request: &HttpRequest,
    done: Result<Outcome<T>, Fault>,
    trail: &mut Trail,
    render: impl FnOnce(T) -> HttpResponse,
) -> HttpResponse {
    match done {
        Err(fault) => failed(request, &fault, trail),
        Ok(Outcome { rate, result }) => {
            let response = result.map_or_else(|denial| denied(request, &denial), render);
            with_rate(response, rate.as_ref())
        }
    }
}

/// The headers of requirement r39, where the address could be counted; the reset is the window's end in seconds since the epoch.
#[must_use]
pub fn with_rate(response: HttpResponse, rate: Option<&RateStatus>) -> HttpResponse {
    let Some(rate) = rate else {
        return response;
    };
    response
        .with_header(HeaderName::from_static("x-ratelimit-limit"), &rate.limit.to_string())
        .with_header(HeaderName::from_static("x-ratelimit-remaining"), &rate.remaining.to_string())
        .with_header(HeaderName::from_static("x-ratelimit-reset"), &rate.resets_at.seconds().to_string())
}

fn plain(status: StatusCode, code: &'static str, detail: &'static str) -> Problem {
    Problem { status, code, detail, headers: Vec::new(), limit: None, reason: None, errors: Vec::new() }
}

fn of_denial(denial: &Denial) -> Problem {
    match denial {
        Denial::InvalidRequest(what) => plain(StatusCode::BAD_REQUEST, "invalid_request", what.sentence()),
        Denial::InvalidCredentials => {
            plain(StatusCode::UNAUTHORIZED, "invalid_credentials", "The identifier or the password is wrong.")
        }
        Denial::Unauthenticated => plain(StatusCode::UNAUTHORIZED, "unauthenticated", "There is no session, or it has ended."),
        Denial::InvalidGrant => plain(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "The token is unknown, used or too old, or the password is wrong.",
        ),
        Denial::PasswordRejected(violations) => Problem {
            errors: violations.clone(),
            ..plain(StatusCode::UNPROCESSABLE_ENTITY, "password_rejected", "The password does not meet the rules.")
        },
        Denial::PasswordChangeRequired(why) => Problem {
            reason: Some(why.as_str()),
            headers: vec![(LINK, "</password/change>; rel=\"change-password\"".to_owned())],
            ..plain(StatusCode::FORBIDDEN, "password_change_required", "The password has to be changed first, at /password/change.")
        },
        Denial::Conflict => plain(StatusCode::CONFLICT, "conflict", "There is one already, or something changed meanwhile."),
        Denial::StaleVersion => plain(StatusCode::CONFLICT, "stale_version", "It was changed meanwhile; read it again."),
        Denial::IllegalTransition => plain(StatusCode::CONFLICT, "illegal_transition", "It is not where this action begins."),
        Denial::ReauthenticationRequired => plain(
            StatusCode::FORBIDDEN,
            "reauthentication_required",
            "The password must be given again first, at /session/reauthenticate.",
        ),
        Denial::CsrfFailed => plain(StatusCode::FORBIDDEN, "csrf_failed", "The request did not come from this site."),
        Denial::Forbidden => plain(StatusCode::FORBIDDEN, "forbidden", "This is not allowed."),
        Denial::NotFound => plain(StatusCode::NOT_FOUND, "not_found", "There is nothing here."),
        Denial::MethodNotAllowed { allow } => Problem {
            headers: vec![(ALLOW, (*allow).to_owned())],
            ..plain(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This route has other methods.")
        },
        Denial::PayloadTooLarge => {
            plain(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Body or headers are larger than 16 KiB.")
        }
        Denial::UnsupportedMediaType => {
            plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json in UTF-8.")
        }
        Denial::RateLimited(limited) => Problem {
            headers: vec![(RETRY_AFTER, limited.retry_after.to_string())],
            limit: Some(Limit { reason: limited.reason.as_str(), allowed: limited.limit, reset_in: limited.retry_after }),
            ..plain(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests; try again after the time in Retry-After.")
        },
    }
}

fn of_fault(fault: &Fault) -> Problem {
    match fault {
        Fault::Unavailable { .. } => unavailable(),
        Fault::Internal { .. } => internal(),
    }
}

fn unavailable() -> Problem {
    Problem {
        headers: vec![(RETRY_AFTER, UNAVAILABLE_RETRY_AFTER.to_string())],
        ..plain(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "This cannot be decided right now; try again in a moment.")
    }
}

fn internal() -> Problem {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something is wrong on our side.")
}

impl Problem {
    fn render(self, request_id: &str, preferred: Preferred) -> HttpResponse {
        let response = match preferred {
            Preferred::Json => {
                let body = serde_json::to_string(&self.body(request_id)).unwrap_or_default();
                HttpResponse::new(self.status, "application/problem+json", body)
            }
            Preferred::Text => HttpResponse::new(self.status, "text/plain; charset=utf-8", self.text()),
        };
        self.headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, &value))
    }

    fn body<'a>(&'a self, request_id: &'a str) -> Body<'a> {
        let title = self.status.canonical_reason().unwrap_or("Error");
        Body {
            r#type: "about:blank",
            title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            request_id,
            errors: &self.errors,
            error: self.limit.as_ref().map(|_| title),
            reason: self.limit.as_ref().map(|limit| limit.reason).or(self.reason),
            limit: self.limit.as_ref().map(|limit| limit.allowed),
            reset_in: self.limit.as_ref().map(|limit| limit.reset_in),
        }
    }

    fn text(&self) -> String {
        let first = match &self.limit {
            Some(limit) => {
                format!("{} {} ({}): try again in {} s\n", self.status.as_u16(), self.code, limit.reason, limit.reset_in)
            }
            None => format!("{} {}: {}\n", self.status.as_u16(), self.code, self.detail),
        };
        self.errors.iter().fold(first, |text, violation| text + &violation.message + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_core::{InvalidRequest, LimitReason, RateLimited};

    #[test]
    fn every_denial_and_fault_has_its_status_code_and_headers() {
        let limited = RateLimited { reason: LimitReason::LoginDelay, limit: 1, retry_after: 7 };
        let denials = [
            (Denial::InvalidRequest(InvalidRequest::Body), "400 invalid_request []"),
            (Denial::InvalidCredentials, "401 invalid_credentials []"),
            (Denial::Unauthenticated, "401 unauthenticated []"),
            (Denial::InvalidGrant, "401 invalid_credentials []"),
            (Denial::PasswordRejected(Vec::new()), "422 password_rejected []"),
            (Denial::Conflict, "409 conflict []"),
            (
                Denial::PasswordChangeRequired(palisade_core::account::MustChange::Expired),
                r#"403 password_change_required [("link", "</password/change>; rel=\"change-password\"")]"#,
            ),
            (Denial::StaleVersion, "409 stale_version []"),
            (Denial::IllegalTransition, "409 illegal_transition []"),
            (Denial::ReauthenticationRequired, "403 reauthentication_required []"),
            (Denial::Forbidden, "403 forbidden []"),
            (Denial::CsrfFailed, "403 csrf_failed []"),
            (Denial::NotFound, "404 not_found []"),
            (Denial::MethodNotAllowed { allow: "POST" }, r#"405 method_not_allowed [("allow", "POST")]"#),
            (Denial::PayloadTooLarge, "413 payload_too_large []"),
            (Denial::UnsupportedMediaType, "415 unsupported_media_type []"),
            (Denial::RateLimited(limited), r#"429 rate_limited [("retry-after", "7")]"#),
        ];
        let shown = |problem: Problem| format!("{} {} {:?}", problem.status.as_u16(), problem.code, problem.headers);
        for (denial, expected) in denials {
            assert_eq!(shown(of_denial(&denial)), expected);
        }
        assert_eq!(shown(of_fault(&Fault::unavailable("x", "y"))), r#"503 unavailable [("retry-after", "1")]"#);
        assert_eq!(shown(of_fault(&Fault::internal("x"))), "500 internal []");
    }

    #[test]
    fn r40_a_429_carries_the_articles_fields() {
        let limited = RateLimited { reason: LimitReason::FailedLogins, limit: 5, retry_after: 900 };
        let response = of_denial(&Denial::RateLimited(limited)).render("id", Preferred::Json);
        assert_eq!(
            response.body,
            r#"{"type":"about:blank","title":"Too Many Requests","status":429,"code":"rate_limited","detail":"Too many requests; try again after the time in Retry-After.","request_id":"id","error":"Too Many Requests","reason":"failed_logins","limit":5,"reset_in":900}"#
        );
        let text = of_denial(&Denial::RateLimited(limited)).render("id", Preferred::Text);
        assert_eq!(text.body, "429 rate_limited (failed_logins): try again in 900 s\n");
    }
}
