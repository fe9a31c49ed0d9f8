//! Every published and every recorded event of a user pool: nothing outside `response` changes, and no damage to one does any.

use std::fs;
use std::path::Path;

use acceptance::World;
use palisade_core::cognito::{Refusal, Trigger};
use palisade_edge::Outcome;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";

/// The events in a folder of the project, by file.
fn events(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let read = |path: &Path| (path.display().to_string(), fs::read_to_string(path).expect("a text"));
    files.iter().map(|path| read(path)).collect()
}

/// Those that are shipped.
pub(crate) fn recorded() -> Vec<(String, String)> {
    events("infra/events/cognito")
}

fn all() -> Vec<(String, String)> {
    [recorded(), events("tests/vectors/cognito")].concat()
}

/// The text before and after the value of `response`: the last member in all of these events but some, in which it is found by its value.
fn around(event: &str) -> (String, String) {
    let value: Value = serde_json::from_str(event).expect("JSON");
    let start = event.rfind("\"response\"").expect("a response");
    let start = start + event[start..].find(['{', 'n', '"']).map_or(0, |_| event[start..].find(':').expect("a colon") + 1);
    let start = start + event[start..].len() - event[start..].trim_start().len();
    let mut values = serde_json::Deserializer::from_str(&event[start..]).into_iter::<Value>();
    assert_eq!(values.next().expect("a value").expect("JSON"), value["response"]);
    (event[..start].to_owned(), event[start + values.byte_offset()..].to_owned())
}

fn is_fixed(text: &str) -> bool {
    Refusal::ALL.iter().any(|refusal| refusal.as_str() == text)
}

#[tokio::test]
async fn r62_every_event_comes_back_byte_for_byte_outside_its_response() {
    let world = World::start().await;
    world.account("django@example.com", PASSWORD).await;
    let mut families = std::collections::BTreeSet::new();
    for (path, event) in all() {
        let (before, after) = around(&event);
        match world.stack().cognito(&event).await {
            Outcome::Result(answer) => {
                assert!(answer.starts_with(&before) && answer.ends_with(&after), "{path}: {answer}");
                let _: Value = serde_json::from_str(&answer).expect("JSON");
            }
            Outcome::Error(text) => assert!(is_fixed(text), "{path}: {text}"),
        }
        let event: Value = serde_json::from_str(&event).expect("JSON");
        let source = event["triggerSource"].as_str().expect("a source").to_owned();
        assert!(Trigger::parse(&source, event["version"].as_str().expect("a version")).is_some(), "{path}");
        families.insert(source);
    }
    for stale in all().into_iter().filter(|(path, _)| path.contains("migrateuser")) {
        let answer = world.stack().cognito(&stale.1).await;
        let Outcome::Result(answer) = answer else { panic!("{answer:?}") };
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["response"], json!({}), "nobody moves in on what somebody else wrote there");
    }
    assert_eq!(families.len(), 25, "every source: {families:?}");
}

/// Every way to spoil one member, at any depth.
fn spoilt(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(members) => {
            for name in members.keys() {
                let mut without = members.clone();
                without.remove(name);
                all.push(Value::Object(without));
                for odd in [Value::Null, json!(7), json!("\u{0}<x>"), json!([{}]), json!({ "x": [] }), json!(true)] {
                    let mut with = members.clone();
                    with.insert(name.clone(), odd);
                    all.push(Value::Object(with));
                }
                for inner in spoilt(&members[name]) {
                    let mut with = members.clone();
                    with.insert(name.clone(), inner);
                    all.push(Value::Object(with));
                }
            }
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                for inner in spoilt(value) {
                    let mut with = values.clone();
                    with[place] = inner;
                    all.push(Value::Array(with));
                }
            }
        }
        _ => {}
    }
    all
}

#[tokio::test]
async fn r62_a_field_that_is_missing_null_or_of_another_type_breaks_nothing() {
    // Each event is spoilt hundreds of times; that somebody has been there before is not what is asked.
    let world = World::builder().setting("PALISADE_COGNITO_SIGN_UPS_PER_HOUR", "never").start().await;
    for (path, event) in all() {
        let event: Value = serde_json::from_str(&event).expect("JSON");
        for spoilt in spoilt(&event) {
            let text = spoilt.to_string();
            match world.stack().cognito(&text).await {
                Outcome::Result(answer) => {
                    let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
                    let mut spoilt = spoilt;
                    for value in [&mut answer, &mut spoilt] {
                        value.as_object_mut().expect("an object").remove("response");
                    }
                    assert_eq!(answer, spoilt, "{path}");
                }
                Outcome::Error(refusal) => assert!(is_fixed(refusal), "{path}: {text} {refusal}"),
            }
        }
    }
    assert!(acceptance::log::lines_with("handler_panicked").is_empty());
}

#[tokio::test]
async fn i12_new_members_come_back_and_new_sources_pass_through() {
    let world = World::start().await;
    let mut event: Value = serde_json::from_str(&all()[0].1).expect("JSON");
    event["is_admin"] = json!(true);
    event["request"]["later"] = json!({ "a": [1.50] });
    let answer = world.trigger(&event).await.expect("an answer");
    assert_eq!((&answer["is_admin"], &answer["request"]), (&event["is_admin"], &event["request"]));
    event["triggerSource"] = json!("InboundFederation_ExternalProvider");
    assert_eq!(world.trigger(&event).await, Ok(event.clone()));
    event["triggerSource"] = json!("TokenGeneration_RefreshTokens");
    event["version"] = json!("4");
    assert_eq!(world.trigger(&event).await, Ok(event));
    assert!(world.stack().ledger().entries().pop().expect("an entry").calls.is_empty());
}
