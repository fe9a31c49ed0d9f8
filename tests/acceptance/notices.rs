//! Messages to users: the topic, the mail, and how many.

use acceptance::{World, WorldBuilder};
use palisade_edge::Outcome;
use palisade_local::{Fault, Mode};
use serde_json::{Value, json};

const NAME: &str = "alice@example.com";
const PASSWORD: &str = "correct-Horse-7-battery";
const NEW: &str = "Violet-Kettle-9-harbour";

fn mailing() -> WorldBuilder {
    World::builder()
        .setting("PALISADE_MAIL_FROM", "Example <no-reply@example.com>")
        .setting("PALISADE_BASE_URL", "https://auth.example.com")
}

async fn with_account(builder: WorldBuilder) -> World {
    let world = builder.start().await;
    world.account(NAME, PASSWORD).await;
    world
}

async fn ask_for_reset(world: &World) {
    let reply = world.stranger().post("/password/reset/request", &json!({ "identifier": NAME })).await;
    assert_eq!(reply.status(), 202, "{}", reply.text);
}

#[tokio::test]
async fn w13_a_reset_is_mailed_once_with_a_link_that_no_request_can_bend() {
    let world = with_account(mailing()).await;
    let forged = world.stranger().header("x-forwarded-host", "evil.example").header("origin", "https://auth.example.com");
    let asked = forged.post("/password/reset/request", &json!({ "identifier": NAME })).await;
    assert_eq!(asked.status(), 202);
    world.pump().await;
    let token = world.grant("reset_password").await;
    let mails = world.stack().ses().sent();
    let [mail] = mails.as_slice() else {
        panic!("{mails:?} {:?} {:?}", world.stack().dead_letters(), acceptance::log::lines_with("alert_failed"))
    };
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("Example <no-reply@example.com>", &[NAME.to_owned()][..]));
    let link = format!("https://auth.example.com/password/reset#token={token}");
    assert!(
        mail.text.as_ref().is_some_and(|text| text.contains(&link)) && mail.html.as_ref().is_some_and(|html| html.contains(&link))
    );
    assert!(!format!("{mail:?}").contains("evil"));
    let done = world.stranger().post("/password/reset", &json!({ "token": token, "new_password": NEW })).await;
    assert_eq!(done.status(), 204, "the link's token works: {}", done.text);
    world.pump().await;
    let subjects: Vec<String> = world.stack().ses().sent().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["Choose a new password", "Your password was reset"]);
}

#[tokio::test]
async fn nothing_is_mailed_unless_a_sender_is_set_and_nothing_to_nobody() {
    let world = with_account(World::builder()).await;
    ask_for_reset(&world).await;
    assert_eq!(world.notices().await, ["reset_password"]);
    assert!(world.stack().ses().sent().is_empty());
    let world = with_account(mailing()).await;
    let unknown = world.stranger().post("/password/reset/request", &json!({ "identifier": "nobody@example.com" })).await;
    assert_eq!(unknown.status(), 202);
    assert!(world.notices().await.is_empty() && world.stack().ses().sent().is_empty(), "a void notice goes nowhere");
}

#[tokio::test]
async fn al11_a_day_of_attempts_is_the_documented_number_of_messages_and_what_was_done_is_always_told() {
    let world = with_account(World::builder().nist()).await;
    for _ in 0..9 {
        let reply = world.stranger().post("/signup", &json!({ "email": NAME, "password": NEW })).await;
        assert_eq!(reply.status(), 202, "{}", reply.text);
        world.advance(61);
    }
    let of = |notices: &[String], kind: &str| notices.iter().filter(|notice| *notice == kind).count();
    assert_eq!(of(&world.notices().await, "sign_up_attempted"), 5);
    // What is done to an account is never held back, nor are resets, which have a pace of their own.
    for n in 0..7 {
        ask_for_reset(&world).await;
        let token = world.grant("reset_password").await;
        let new = format!("Violet-Kettle-{n}-harbour-again");
        let done = world.stranger().post("/password/reset", &json!({ "token": token, "new_password": new })).await;
        assert_eq!(done.status(), 204, "{}", done.text);
        world.advance(301);
    }
    let notices = world.notices().await;
    assert_eq!((of(&notices, "reset_password"), of(&notices, "password_reset")), (7, 7));
    world.advance(86_400);
    let reply = world.stranger().post("/signup", &json!({ "email": NAME, "password": NEW })).await;
    assert_eq!(reply.status(), 202);
    assert_eq!(of(&world.notices().await, "sign_up_attempted"), 6, "another day");
    let account = world.items("accounts").await[0]["subject"].as_str().expect("an id").to_owned();
    let lines = acceptance::log::lines_with(&account);
    assert_eq!(lines.iter().filter(|line| line["event"] == "notice_held_back").count(), 4, "each is in the log");
    let untold = world
        .items("notices")
        .await
        .iter()
        .filter(|item| item["kind"] == "sign_up_attempted" && !item.contains_key("told_mail"))
        .count();
    assert_eq!(untold, 6, "what was held back is not for a redrive to mail");
}

#[tokio::test]
async fn al11_asking_for_other_peoples_notices_keeps_nobody_from_signing_up() {
    let world = World::builder().nist().start().await;
    let sign_up = json!({ "email": "new@example.com", "password": NEW });
    world.stranger().post("/signup", &sign_up).await;
    for _ in 0..25 {
        world.advance(61);
        world.stranger().post("/signup/resend", &json!({ "identifier": "new@example.com" })).await;
        world.pump().await;
    }
    assert_eq!(world.notices().await.len(), 1 + 20, "the sign-up's own, and as many once more as there may be");
    world.advance(61);
    world.stranger().post("/signup", &sign_up).await;
    assert_eq!(world.notices().await.len(), 22, "whoever signs up then is told");
}

#[tokio::test]
async fn a_redrive_disturbs_nobody_who_is_sending() {
    let world = with_account(World::builder()).await;
    ask_for_reset(&world).await;
    // The mark hangs after the message went out.
    world.fault(Fault::always(Mode::Hold).table("notices").operation("UpdateItem").after(1).times(1));
    let sending = tokio::spawn({
        let world = world.clone();
        async move { world.pump().await }
    });
    world.held(1).await;
    assert!(world.palisade(&["incidents", "redrive"]).await.expect("redriven").starts_with("0 incidents and 1 notices"));
    let item = &world.items("notices").await[0];
    let image = json!({ "notice_id": { "S": item["notice_id"] }, "kind": { "S": "reset_password" }, "void": { "BOOL": false } });
    let other = [world.record("notices", "INSERT", &image, 9)];
    assert_eq!(world.fan_out(&other).await, ["9"], "another environment finds the claim");
    world.stack().faults().clear();
    sending.await.expect("it is sent");
    world.pump().await;
    assert_eq!(world.notices().await, ["reset_password"], "once");
}

#[tokio::test]
async fn a_topic_that_is_down_uses_up_nobodys_number_and_loses_no_notice() {
    let world = with_account(World::builder()).await;
    world.stack().sns().inject(Fault::always(Mode::Error));
    for _ in 0..5 {
        world.stranger().post("/signup", &json!({ "email": NAME, "password": NEW })).await;
        world.pump().await;
        world.advance(61);
    }
    world.stack().sns().clear();
    assert!(world.notices().await.is_empty());
    assert!(world.palisade(&["incidents", "redrive"]).await.expect("redriven").starts_with("0 incidents and 5 notices"));
    assert_eq!(world.notices().await.len(), 5);
}

#[tokio::test]
async fn a_mail_that_fails_is_tried_again_and_one_that_is_given_up_is_redriven() {
    let world = with_account(mailing()).await;
    world.stack().ses().inject(Fault::always(Mode::Throttle).times(2));
    ask_for_reset(&world).await;
    world.pump().await;
    assert_eq!(world.stack().ses().sent().len(), 1, "the third try");
    world.advance(301);
    world.stack().ses().inject(Fault::always(Mode::Error));
    ask_for_reset(&world).await;
    world.pump().await;
    let dead = world.stack().dead_letters();
    assert_eq!(dead.len(), 1, "{dead:?}");
    world.stack().ses().clear();
    let (plain, mailed) = (["incidents", "redrive"], ["incidents", "redrive", "--mail"]);
    assert!(world.palisade(&plain).await.expect("redriven").starts_with("0 incidents and 0 notices"));
    assert!(world.palisade(&mailed).await.expect("redriven").starts_with("0 incidents and 1 notices"));
    world.pump().await;
    assert_eq!(world.stack().ses().sent().len(), 2);
}

#[tokio::test]
async fn sc09_a_grant_stands_on_the_topic_and_in_the_mail_and_nowhere_else() {
    let world = with_account(mailing()).await;
    world.stack().ses().inject(Fault::always(Mode::Error));
    ask_for_reset(&world).await;
    let token = world.grant("reset_password").await;
    let mac = token.rsplit('.').next().expect("a MAC");
    for table in ["notices", "counters", "incidents", "accounts"] {
        assert!(!format!("{:?}", world.items(table).await).contains(mac), "{table}");
    }
    assert!(!format!("{:?}", world.stack().dead_letters()).contains(mac), "the dead letters");
    assert!(!acceptance::log::text().contains(mac), "the log");
}

#[tokio::test]
async fn a_message_that_somebody_else_put_on_the_topic_mails_nothing_of_theirs() {
    let world = with_account(mailing()).await;
    ask_for_reset(&world).await;
    world.pump().await;
    let real = world.mailbox().await[0]["id"].as_str().expect("an id").to_owned();
    let sent = world.stack().ses().sent().len();
    for message in [
        json!({ "id": "AAAAAAAAAAAAAAAAAAAAAA", "kind": "reset_password", "to": "mallory@example.com", "link": "https://evil.example" }),
        json!({ "id": real, "kind": "reset_password", "to": "mallory@example.com", "link": "https://evil.example" }),
        json!("no message"),
        Value::Null,
    ] {
        let event = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message.to_string() } }] });
        assert_eq!(world.stack().mail(&event.to_string()).await, Outcome::Result("null".into()), "{message}");
    }
    assert_eq!(world.stack().ses().sent().len(), sent);
    // Nor is what has ended mailed, whoever asks for it.
    world.advance(301);
    world.stack().ses().inject(Fault::always(Mode::Error));
    ask_for_reset(&world).await;
    world.pump().await;
    world.stack().ses().clear();
    let late = world.mailbox().await[1]["id"].clone();
    world.advance(901);
    let event = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": json!({ "id": late }).to_string() } }] });
    assert_eq!(world.stack().mail(&event.to_string()).await, Outcome::Result("null".into()));
    assert_eq!(world.stack().ses().sent().len(), sent);
}
