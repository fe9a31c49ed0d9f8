//! What comes back of an event, byte by byte.

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
    let Outcome::Result(answer) = answered(&without, Reply::With(members(json!({ "b": 2 })))).await else { panic!("an answer") };
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
