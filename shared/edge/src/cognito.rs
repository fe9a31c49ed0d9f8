//! Calls of a Cognito user pool: the event's text in, the same text out, with nothing but its `response` written.
//!
//! Events are read leniently, field by field, so that what Cognito adds to them tomorrow neither fails nor is lost. What is refused ends as an
//! error with one of the fixed texts of [`Refusal`]: Cognito shows it to whoever asked.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use palisade_core::cognito::challenge::Step;
use palisade_core::cognito::{Confirmed, Refusal, Trigger};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::{Fault, Password};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::serve::Outcome;
use crate::telemetry;

/// A JSON object whose members are not read yet.
type Object<'a> = BTreeMap<String, &'a RawValue>;

/// What goes back.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The event as it came.
    Unchanged,
    /// With these members of `response`, and those that were there.
    With(Map<String, Value>),
    /// With these alone.
    Only(Map<String, Value>),
    /// An error.
    Refused(Refusal),
}

/// A call, as far as it could be read.
#[derive(Debug)]
pub struct Call<'a> {
    event: Object<'a>,
    request: Object<'a>,
    attributes: Object<'a>,
}

impl<'a> Call<'a> {
    /// `None` for a text that is no object.
    fn read(text: &'a str) -> Option<Self> {
        let event: Object<'a> = serde_json::from_str(text).ok()?;
        let request = event.get("request").map(|raw| object(raw)).unwrap_or_default();
        let attributes = request.get("userAttributes").map(|raw| object(raw)).unwrap_or_default();
        Some(Self { event, request, attributes })
    }

    /// The source and the version, the latter also where it is a number.
    fn source(&self) -> Option<(String, String)> {
        let version = read::<Value>(self.event.get("version"))?;
        let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
        Some((read(self.event.get("triggerSource"))?, version))
    }

    /// The user's name in the pool, or what was typed where there is no such user; empty where there is none.
    pub fn user_name(&self) -> String {
        read(self.event.get("userName")).unwrap_or_default()
    }

    /// The pool's id; empty where there is none.
    pub fn pool(&self) -> String {
        read(self.event.get("userPoolId")).unwrap_or_default()
    }

    /// The id of the client through which somebody came; empty where there is none.
    pub fn client(&self) -> String {
        self.event.get("callerContext").and_then(|raw| read(object(raw).get("clientId"))).unwrap_or_default()
    }

    /// An attribute of the user that is a text, and not an empty one.
    pub fn attribute(&self, name: &str) -> Option<String> {
        read(self.attributes.get(name)).filter(|text: &String| !text.is_empty())
    }

    /// Whether an attribute is true, as Cognito writes it or as JSON does.
    pub fn is_true(&self, attribute: &str) -> bool {
        read(self.attributes.get(attribute)).is_some_and(|value: Value| value == true || value == "true")
    }

    /// Whether a member of the request is true.
    pub fn flag(&self, name: &str) -> bool {
        read(self.request.get(name)).unwrap_or(false)
    }

    /// A member of the request that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        read(self.request.get(name))
    }

    /// A member of the request that is secret: wiped when it is dropped. `None` also for one that is too long to be a password.
    pub fn secret(&self, name: &str) -> Option<Password> {
        let text: String = read(self.request.get(name))?;
        Password::of(Zeroizing::new(text))
    }

    /// A member of the request as it is.
    pub fn value(&self, name: &str) -> Option<Value> {
        read(self.request.get(name)).filter(|value: &Value| !value.is_null())
    }

    /// A member of an object of the request that is a text.
    pub fn within(&self, name: &str, member: &str) -> Option<String> {
        read(object(self.request.get(name)?).get(member))
    }

    /// The challenges of this sign-in so far; `None` where they cannot be read.
    pub fn session(&self) -> Option<Vec<Step>> {
        #[derive(Deserialize)]
        struct Met {
            #[serde(rename = "challengeName")]
            name: String,
            #[serde(rename = "challengeResult")]
            met: bool,
        }
        let steps: Vec<Met> = read(self.request.get("session"))?;
        Some(steps.into_iter().map(|Met { name, met }| Step { name, met }).collect())
    }
}

fn object(raw: &RawValue) -> Object<'_> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// The result for `event`: what `handle` makes of the call in it, within `deadline`. A source or version that is not known passes through
/// unchanged, and is told of.
pub async fn trigger<F>(deadline: Duration, event: &str, runtime_id: &str, handle: F) -> Outcome
where
    F: AsyncFnOnce(Trigger, &Call<'_>, &mut Trail) -> Result<Reply, Fault>,
{
    let mut trail = Trail::default();
    let call = Call::read(event);
    let (source, version) = call.as_ref().and_then(Call::source).unwrap_or_default();
    let (reply, response) = match call.as_ref().zip(Trigger::parse(&source, &version)) {
        None => {
            trail.record(
                Event::new(EventKind::TriggerUnknown).reason(format!("version {}", version.chars().take(20).collect::<String>())),
            );
            (Reply::Unchanged, None)
        }
        Some((call, trigger)) => {
            let work = AssertUnwindSafe(handle(trigger, call, &mut trail)).catch_unwind();
            let reply = match tokio::time::timeout(deadline, work).await {
                Ok(Ok(Ok(reply))) => reply,
                Ok(Ok(Err(fault))) => {
                    trail.record(Event::new(EventKind::DependencyFailed).reason(fault.chain()));
                    undecided(trigger)
                }
                // The hook has told of a panic.
                Ok(Err(_)) => undecided(trigger),
                Err(_) => {
                    trail.note(EventKind::DeadlineExceeded);
                    undecided(trigger)
                }
            };
            if reply == Reply::Refused(Refusal::Unavailable) && trigger == Trigger::PostConfirmation(Confirmed::ForgotPassword) {
                trail.note(EventKind::ResetIncomplete);
            }
            (reply, call.event.get("response").copied())
        }
    };
    telemetry::emit_of(runtime_id, "", &source, trail.into_events());
    match reply {
        Reply::Unchanged => Outcome::Result(event.to_owned()),
        Reply::Refused(refusal) => Outcome::Error(refusal.as_str()),
        Reply::Only(members) => written(event, response, members),
        Reply::With(members) => {
            let mut all: Map<String, Value> = read(response.as_ref()).unwrap_or_default();
            all.extend(members);
            written(event, response, all)
        }
    }
}

/// What goes back where nothing could be decided: no, wherever something depends on it.
fn undecided(trigger: Trigger) -> Reply {
    match trigger {
        // They come after what they are about, which stands; an error would only be shown.
        Trigger::PostAuthentication | Trigger::PostConfirmation(Confirmed::SignUp) | Trigger::CustomMessage(_) => Reply::Unchanged,
        // An error's text would tell that there is somebody of this name.
        Trigger::UserMigration(_) => Reply::Only(Map::new()),
        Trigger::PreAuthentication => Reply::Refused(Refusal::SignIn),
        Trigger::PreSignUp(_)
        | Trigger::PostConfirmation(Confirmed::ForgotPassword)
        | Trigger::DefineAuthChallenge
        | Trigger::CreateAuthChallenge
        | Trigger::VerifyAuthChallenge
        | Trigger::TokenGeneration(..) => Reply::Refused(Refusal::Unavailable),
    }
}

/// `event` with `members` in the place of its `response`, every other byte as it was.
fn written(event: &str, response: Option<&RawValue>, members: Map<String, Value>) -> Outcome {
    let members = Value::Object(members).to_string();
    let spliced = match response {
        Some(old) => {
            let start = old.get().as_ptr().addr().checked_sub(event.as_ptr().addr());
            start
                .and_then(|start| Some((event.get(..start)?, event.get(start + old.get().len()..)?)))
                .map(|(before, after)| [before, &members, after].concat())
        }
        None => event.trim_end().strip_suffix('}').map(|before| format!("{before},\"response\":{members}}}")),
    };
    spliced.map_or(Outcome::Error(Refusal::Unavailable.as_str()), Outcome::Result)
}

#[cfg(test)]
#[path = "cognito/tests.rs"]
mod tests;
