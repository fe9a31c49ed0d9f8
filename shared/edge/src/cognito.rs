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
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    async fn answered(event: &str, reply: Reply) -> Outcome {
        trigger(Duration::from_secs(1), event, "id", async |_, _, _| Ok(reply)).await
    }

    const EVENT: &str = "{\"version\":\"1\", \"triggerSource\" : \"CreateAuthChallenge_Authentication\",\n \"new\\u0041\":1e2,\"request\":{}, \
                         \"response\" : {\"a\":1} ,\"z\":[ 1.0 ]}";

    #[tokio::test]
    async fn r62_every_byte_outside_the_response_stays() {
        let with = answered(EVENT, Reply::With(members(json!({ "b": 2 })))).await;
        assert_eq!(with, Outcome::Result(EVENT.replace("{\"a\":1}", "{\"a\":1,\"b\":2}")));
        let only = answered(EVENT, Reply::Only(members(json!({ "b": 2 })))).await;
        assert_eq!(only, Outcome::Result(EVENT.replace("{\"a\":1}", "{\"b\":2}")));
        assert_eq!(answered(EVENT, Reply::Unchanged).await, Outcome::Result(EVENT.to_owned()));
        for odd in ["null", "\"x\"", "[]"] {
            let event = EVENT.replace("{\"a\":1}", odd);
            let with = answered(&event, Reply::With(members(json!({ "b": 2 })))).await;
            assert_eq!(with, Outcome::Result(EVENT.replace("{\"a\":1}", "{\"b\":2}")), "{odd}");
        }
        let without = EVENT.replace(", \"response\" : {\"a\":1}", "");
        let Outcome::Result(answer) = answered(&without, Reply::With(members(json!({ "b": 2 })))).await else {
            panic!("an answer")
        };
        assert_eq!(answer, without.strip_suffix('}').expect("an object").to_owned() + ",\"response\":{\"b\":2}}");
    }

    #[tokio::test]
    async fn r62_what_is_not_known_passes_through_unchanged() {
        for event in [
            "null",
            "[]",
            "7",
            "{}",
            "{\"version\":\"1\"}",
            "{\"version\":1,\"triggerSource\":\"PreSignUp_Later\"}",
            "{\"version\":\"9\",\"triggerSource\":\"PreSignUp_SignUp\",\"response\":{}}",
            "{\"version\":[],\"triggerSource\":{}}",
        ] {
            let handled = trigger(Duration::from_secs(1), event, "id", async |_, _, _| panic!("nothing to handle")).await;
            assert_eq!(handled, Outcome::Result(event.to_owned()));
        }
        let numbered = EVENT.replace("\"1\"", "1");
        assert_eq!(answered(&numbered, Reply::Refused(Refusal::SignUp)).await, Outcome::Error(Refusal::SignUp.as_str()));
    }

    #[tokio::test]
    async fn a_fault_a_panic_and_a_deadline_are_answered_as_the_trigger_needs() {
        let of =
            |source: &str| format!("{{\"version\":\"1\",\"triggerSource\":\"{source}\",\"response\":{{\"userAttributes\":{{}}}}}}");
        for (source, answer) in [
            ("PreAuthentication_Authentication", Outcome::Error(Refusal::SignIn.as_str())),
            ("PreSignUp_SignUp", Outcome::Error(Refusal::Unavailable.as_str())),
            ("TokenGeneration_RefreshTokens", Outcome::Error(Refusal::Unavailable.as_str())),
            ("PostAuthentication_Authentication", Outcome::Result(of("PostAuthentication_Authentication"))),
            (
                "UserMigration_Authentication",
                Outcome::Result(of("UserMigration_Authentication").replace("{\"userAttributes\":{}}", "{}")),
            ),
        ] {
            let event = of(source);
            let fault = trigger(Duration::from_secs(1), &event, "id", async |_, _, _| Err(Fault::internal("x"))).await;
            let panicked = trigger(Duration::from_secs(1), &event, "id", async |_, _, _| panic!("x")).await;
            let late = trigger(Duration::ZERO, &event, "id", async |_, _, _| std::future::pending().await).await;
            assert_eq!([fault, panicked, late], [answer.clone(), answer.clone(), answer], "{source}");
        }
    }

    #[test]
    fn each_field_is_read_by_itself() {
        let call = |request: Value| json!({ "userName": "a", "request": request }).to_string();
        let text = call(json!({
            "userAttributes": { "email": "a@x.example", "n": 1, "empty": "", "email_verified": "true", "phone_number_verified": true },
            "session": [{ "challengeName": "SRP_A", "challengeResult": true, "challengeMetadata": null }],
            "userNotFound": null, "newDeviceUsed": true, "password": ["x"], "privateChallengeParameters": { "code": "c", "x": 1 },
        }));
        let read = Call::read(&text).expect("an object");
        assert_eq!(read.attribute("email").as_deref(), Some("a@x.example"));
        assert!(read.attribute("n").is_none() && read.attribute("empty").is_none());
        assert!(read.is_true("email_verified") && read.is_true("phone_number_verified") && !read.is_true("email"));
        assert!(read.flag("newDeviceUsed") && !read.flag("userNotFound") && read.secret("password").is_none());
        assert_eq!(read.within("privateChallengeParameters", "code").as_deref(), Some("c"));
        assert!(read.within("privateChallengeParameters", "x").is_none() && read.within("session", "x").is_none());
        assert_eq!(read.session(), Some(vec![Step { name: "SRP_A".into(), met: true }]));
        let text = call(json!({ "session": [{ "challengeName": "SRP_A" }] }));
        assert_eq!(Call::read(&text).expect("an object").session(), None);
    }
}
