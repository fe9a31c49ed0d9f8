//! From an incident to operators: the topic and the webhook, whatever fails.

use acceptance::World;
use palisade_core::incident::IncidentKind;
use palisade_core::settings::{Settings, Table};
use palisade_local::{Fault, Mode, WEBHOOK_SECRET, settings_pairs};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

const PASSWORD: &str = "correct-Horse-7-battery";

/// What was told of the incident on the topic, by milestone.
async fn told_on_topic(world: &World, id: &str) -> Vec<u64> {
    world.alerts().await.iter().filter(|alert| alert["incident_id"] == id).map(milestone).collect()
}

/// The same on the webhook; only what it took.
async fn told_on_webhook(world: &World, id: &str) -> Vec<u64> {
    let received = world.webhooks().await;
    let bodies = received.iter().filter(|received| received.status == 200).map(|received| body(&received.body));
    bodies.filter(|alert| alert["incident_id"] == id).map(|alert| milestone(&alert)).collect()
}

fn milestone(alert: &Value) -> u64 {
    alert["milestone"].as_u64().expect("a milestone")
}

fn body(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

async fn with_one() -> (World, String) {
    let world = World::start().await;
    let id = world.open_incident(IncidentKind::BruteForce, "192.0.2.7", 1).await;
    (world, id)
}

#[tokio::test]
async fn r51_r52_r55_an_address_that_guesses_reaches_the_topic_and_the_signed_webhook_once() {
    // On the system's clock: whoever verifies compares it with the message's time.
    let world = World::builder().system_clock().setting("PALISADE_BASE_URL", "https://auth.example.com").start().await;
    world.account("alice@example.com", PASSWORD).await;
    let guesser = world.actor("198.51.100.9");
    for n in 0..7 {
        guesser.login(&format!("somebody-{n}@example.com"), "wrong").await;
    }
    let alerts = world.alerts().await;
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    let id = alert["incident_id"].as_str().expect("an id");
    assert_eq!((&alert["type"], &alert["severity"], &alert["source"]), (&json!("brute_force"), &json!("high"), &json!("palisade")));
    assert_eq!(alert["details"]["subject"], "198.51.100.9");
    assert_eq!(alert["link"], format!("https://auth.example.com/board#{id}"));
    let published = &world.stack().sns().published()[0];
    assert_eq!(published.attributes["severity"], "high", "what a subscription for high and critical filters by");
    assert_eq!(published.subject.as_deref(), Some("Palisade: high brute_force (first time)"));
    assert!(published.email.as_ref().is_some_and(|mail| mail.contains("address: 198.51.100.9\n")));

    let received = world.webhooks().await;
    let [hook] = received.as_slice() else { panic!("{received:?}") };
    let headers = hook.headers.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let headers = headers.collect();
    let verifier = Webhook::new(WEBHOOK_SECRET).expect("a secret");
    verifier.verify(hook.body.as_bytes(), &headers).expect("the scheme's own implementation accepts it");
    assert!(verifier.verify(b"{}", &headers).is_err());
    assert_eq!(hook.headers["webhook-id"], format!("{id}.1"));
    assert_eq!(body(&hook.body), *alert);
    let stored = world.incident(id).await;
    assert_eq!((&stored["told_alerts"], &stored["told_webhook"]), (&json!("1"), &json!("1")));
}

#[tokio::test]
async fn al01_a_topic_that_is_down_changes_no_login_and_loses_nothing() {
    let vector = async |mode: Option<Mode>| {
        let world = World::start().await;
        world.account("alice@example.com", PASSWORD).await;
        if let Some(mode) = mode {
            world.stack().sns().inject(Fault::always(mode));
            world.stack().webhooks().inject(Fault::always(mode));
        }
        let guesser = world.actor("198.51.100.9");
        for n in 0..6 {
            guesser.login(&format!("somebody-{n}@example.com"), "wrong").await;
        }
        let reply = guesser.login("alice@example.com", PASSWORD).await;
        let entry = world.last_entry();
        (world, (reply.comparable().0, entry.depth, entry.vector()))
    };
    let (_, healthy) = vector(None).await;
    for mode in [Mode::Error, Mode::Throttle] {
        let (world, down) = vector(Some(mode)).await;
        assert_eq!(down, healthy, "{mode:?}");
        world.pump().await;
        let id = world.items("incidents").await[0]["incident_id"].as_str().expect("an id").to_owned();
        assert!(!world.incident(&id).await.contains_key("told_alerts"), "{mode:?}: not marked");
        assert!(!world.stack().dead_letters().is_empty(), "{mode:?}: given up after the stream's tries");
        let failures = acceptance::log::lines_with(&id).into_iter().filter(|line| line["event"] == "alert_failed").count();
        assert!(failures > 0, "{mode:?}: and told, with the incident's id");
        world.stack().sns().clear();
        world.stack().webhooks().clear();
        let printed = world.palisade(&["incidents", "redrive"]).await.expect("it is redriven");
        assert!(printed.starts_with("1 incidents and 0 notices are on the stream once more"), "{printed}");
        assert_eq!((told_on_topic(&world, &id).await, told_on_webhook(&world, &id).await), (vec![1], vec![1]), "{mode:?}");
    }
}

#[tokio::test]
async fn al02_a_webhook_that_fails_hangs_or_never_ends_keeps_nothing_from_the_topic() {
    for (mode, is_told) in [
        (Mode::Status(500), false),
        (Mode::Status(404), false),
        (Mode::Timeout, false),
        (Mode::LostReply, true),
        (Mode::Malformed, true),
    ] {
        let world = World::builder().setting("PALISADE_WEBHOOK_TIMEOUT_MS", 200).start().await;
        world.stack().webhooks().inject(Fault::always(mode));
        let id = world.open_incident(IncidentKind::BruteForce, "192.0.2.7", 1).await;
        assert_eq!(told_on_topic(&world, &id).await, [1], "{mode:?}: once, however often the webhook was tried");
        let stored = world.incident(&id).await;
        assert_eq!(stored.contains_key("told_webhook"), is_told, "{mode:?}: an answer counts by its status alone");
        assert_eq!(world.stack().dead_letters().is_empty(), is_told, "{mode:?}");
        assert!(world.stack().webhooks().sent_bytes() < 16 * 1024 * 1024, "{mode:?}: a body of 100 MB is not read");
    }
}

#[tokio::test]
async fn al03_a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (world, id) = with_one().await;
        world.stack().webhooks().inject(Fault::always(Mode::Status(status)));
        assert!(told_on_webhook(&world, &id).await.is_empty());
        assert!(!world.stack().webhooks().received().is_empty(), "{status}: it was tried");
        assert_eq!(world.stack().webhooks().elsewhere(), 0, "{status}");
        assert!(!world.incident(&id).await.contains_key("told_webhook"), "{status}");
    }
}

#[test]
fn al04_a_webhook_inside_a_network_is_refused_when_it_is_configured() {
    let parse = |endpoint: &str, url: &str| {
        let overrides = [
            ("PALISADE_SECRET", "a-marked-fake-secret-for-tests-0001"),
            ("PALISADE_IDENTITY_KEY", "a-marked-fake-identity-key-for-tests-0001"),
            ("PALISADE_WEBHOOK_URL", url),
            ("PALISADE_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ];
        let overrides = overrides.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::parse(settings_pairs(endpoint, None, "", &overrides), &Table::ALL).map(drop).map_err(|error| error.to_string())
    };
    let deployed = "https://dynamodb.eu-central-1.amazonaws.com";
    for url in ["https://10.1.2.3/", "https://127.0.0.1/", "http://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://2130706433/"]
    {
        let error = parse(deployed, url).expect_err("it is refused");
        assert!(error.contains("PALISADE_WEBHOOK_URL") && !error.contains("//"), "{error}");
    }
    assert_eq!(parse(deployed, "https://hooks.example.com/palisade"), Ok(()));
    assert!(parse("http://127.0.0.1:8000", "https://10.1.2.3/").is_err(), "the local stack reaches its own machine alone");
    assert_eq!(parse("http://127.0.0.1:8000", "http://127.0.0.1:9/hook"), Ok(()));
}

#[tokio::test]
async fn al05_one_record_twice_in_a_batch_in_two_batches_and_in_two_at_once_is_one_message() {
    let (world, id) = with_one().await;
    let record = |number| world.incident_record(&id, 1, number);
    assert!(world.fan_out(&[record(1), record(1), record(2)]).await.is_empty());
    assert!(world.fan_out(&[record(1)]).await.is_empty());
    assert_eq!((told_on_topic(&world, &id).await, told_on_webhook(&world, &id).await), (vec![1], vec![1]));

    let other = world.open_incident(IncidentKind::BruteForce, "192.0.2.188", 1).await;
    let records = [world.incident_record(&other, 1, 3)];
    world.stack().faults().inject(Fault::always(Mode::Shuffle));
    tokio::join!(world.fan_out(&records), world.fan_out(&records));
    world.stack().faults().clear();
    assert!(world.fan_out(&records).await.is_empty(), "whoever had to look again finds it told");
    let failures = acceptance::log::lines_with(&other).into_iter().filter(|line| line["event"] == "alert_failed").count();
    assert_eq!(failures, 0, "that somebody else is at it is no error");
    assert_eq!((told_on_topic(&world, &other).await, told_on_webhook(&world, &other).await), (vec![1], vec![1]));
}

#[tokio::test]
async fn al05_old_records_after_new_ones_tell_nothing_again() {
    let (world, id) = with_one().await;
    world.happened(&id, 150).await;
    assert!(world.fan_out(&[world.incident_record(&id, 150, 9)]).await.is_empty());
    for (number, occurrences) in [(8, 100), (7, 99), (1, 1), (9, 150)] {
        assert!(world.fan_out(&[world.incident_record(&id, occurrences, number)]).await.is_empty());
    }
    assert_eq!(told_on_topic(&world, &id).await, [100], "what was reached by then, once");
}

#[tokio::test]
async fn al06_a_record_that_cannot_be_read_is_kept_and_keeps_nothing_waiting() {
    let world = World::start().await;
    let mut records = Vec::new();
    for n in 0..99 {
        if n % 9 == 0 {
            // Below what is told one by one.
            world.advance(900);
        }
        let subject = format!("198.51.100.{n}");
        let id =
            world.open_incident(if n < 9 { IncidentKind::BruteForce } else { IncidentKind::RateLimitAbuse }, &subject, 1).await;
        records.push(world.incident_record(&id, 1, n));
    }
    let poison = json!({ "incident_id": { "N": "7" }, "password": { "S": "canary-hash" }, "why": { "S": "by hand" } });
    records.insert(50, world.record("incidents", "INSERT", &poison, 500));
    assert!(world.fan_out(&records).await.is_empty(), "the bad one is done, too");
    let marked = world.items("incidents").await.iter().filter(|item| item.get("told_alerts") == Some(&json!("1"))).count();
    assert_eq!(marked, 99);
    let kept = world.counter("set_aside#").await.expect("it is kept");
    let content = kept["content"].as_str().expect("its content");
    assert!(content.contains("by hand") && !content.contains("canary-hash"), "{content}");
    assert!(world.palisade(&["incidents", "set-aside"]).await.expect("a list").contains("by hand"));

    // What cannot be kept is not done.
    let worse = [world.record("incidents", "INSERT", &json!({ "why": { "S": "twice" } }), 501)];
    world.fault(Fault::always(Mode::Error).table("counters").operation("PutItem"));
    assert_eq!(world.fan_out(&worse).await, ["501"]);
    world.stack().faults().clear();
    assert!(world.fan_out(&worse).await.is_empty());
}

#[tokio::test]
async fn al09_what_its_age_removed_is_no_news() {
    let (world, id) = with_one().await;
    world.pump().await;
    let before = (world.stack().sns().published().len(), world.stack().ledger().entries().len());
    let mut removed = world.incident_record(&id, 5_000, 1);
    removed["eventName"] = json!("REMOVE");
    removed["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    assert!(world.fan_out(&[removed]).await.is_empty());
    assert!(world.last_entry().calls.is_empty(), "nothing is even asked");
    assert_eq!(world.stack().sns().published().len(), before.0);
    // One that was removed before its record is read is not brought back by a mark.
    world
        .stack()
        .client()
        .delete_item()
        .table_name(format!("{}incidents", world.stack().table_prefix()))
        .key("incident_id", palisade_local::AttributeValue::S(id.clone()))
        .send()
        .await
        .expect("it is removed");
    assert!(world.fan_out(&[world.incident_record(&id, 5_000, 2)]).await.is_empty());
    assert!(world.items("incidents").await.is_empty());
}

#[tokio::test]
async fn al10_fifty_thousand_occurrences_are_four_messages_a_channel() {
    let (world, id) = with_one().await;
    for occurrences in [1, 2, 9, 10, 11, 57, 99, 100, 640, 999, 1_000, 1_001, 20_000, 50_000] {
        world.happened(&id, occurrences).await;
        world.pump().await;
    }
    let milestones = vec![1, 10, 100, 1_000];
    assert_eq!((told_on_topic(&world, &id).await, told_on_webhook(&world, &id).await), (milestones.clone(), milestones));
}

#[tokio::test]
async fn a_storm_of_incidents_is_told_one_by_one_ten_times_and_then_in_sums() {
    let world = World::start().await;
    for n in 0..250 {
        world.open_incident(IncidentKind::BruteForce, &format!("10.0.{}.{}", n / 250, n % 250), 1).await;
    }
    let alerts = world.alerts().await;
    let (sums, single): (Vec<&Value>, Vec<&Value>) = alerts.iter().partition(|alert| alert.get("held_back").is_some());
    assert_eq!(single.len(), 10);
    let mut sums: Vec<u32> = sums.iter().filter_map(|sum| sum["held_back"].as_u64()?.checked_ilog10()).collect();
    sums.sort_unstable();
    assert_eq!(sums, [0, 1, 2], "240 were held back: told at the first, tenth and hundredth");
    assert_eq!(world.webhooks().await.len(), 13);
    let behind = world.items("incidents").await.iter().filter(|item| item.get("told_alerts") != Some(&json!("1"))).count();
    assert_eq!(behind, 0, "a sum stands for those it holds back");
    world.advance(900);
    let next = world.open_incident(IncidentKind::BruteForce, "10.9.9.9", 1).await;
    assert_eq!(told_on_topic(&world, &next).await, [1], "the next quarter of an hour starts anew");
}

#[tokio::test]
async fn a_storm_while_the_topic_is_down_leaves_nothing_unsaid() {
    for seconds_later in [60, 1_000] {
        let world = World::start().await;
        world.stack().sns().inject(Fault::always(Mode::Error).operation("alerts"));
        for n in 0..30 {
            world.open_incident(IncidentKind::BruteForce, &format!("10.0.0.{n}"), 1).await;
        }
        world.pump().await;
        let unsaid = world.items("incidents").await.iter().filter(|item| !item.contains_key("told_alerts")).count();
        assert_eq!(unsaid, 30, "nothing is marked that no message stood for");
        world.stack().sns().clear();
        world.advance(seconds_later);
        for _ in 0..3 {
            world.palisade(&["incidents", "redrive"]).await.expect("it is redriven");
            world.pump().await;
        }
        let alerts = world.alerts().await;
        let (sums, single): (Vec<&Value>, Vec<&Value>) = alerts.iter().partition(|alert| alert.get("held_back").is_some());
        assert_eq!(single.len(), 10, "ten by themselves, also in another quarter of an hour");
        let most = sums.iter().filter_map(|sum| sum["held_back"].as_u64()).max();
        assert!(most >= Some(10), "and the others in sums: {sums:?}");
        assert!(world.items("incidents").await.iter().all(|item| item["told_alerts"] == "1"));
    }
}

#[tokio::test]
async fn what_a_sum_is_to_stand_for_is_not_marked_before_it_is_sent_and_is_summed_up_later() {
    let world = World::start().await;
    // Ten go out, then nothing does.
    world.stack().sns().inject(Fault::always(Mode::Error).operation("alerts").after(10));
    for n in 0..40 {
        world.open_incident(IncidentKind::BruteForce, &format!("10.0.0.{n}"), 1).await;
    }
    world.pump().await;
    let marked = world.items("incidents").await.iter().filter(|item| item.contains_key("told_alerts")).count();
    assert_eq!(marked, 10, "nobody is taken for told on the word of somebody who could not send");
    world.stack().sns().clear();
    world.advance(1_000);
    for _ in 0..3 {
        world.palisade(&["incidents", "redrive"]).await.expect("it is redriven");
        world.pump().await;
    }
    let alerts = world.alerts().await;
    assert_eq!(
        alerts.iter().filter(|alert| alert.get("held_back").is_none()).count(),
        10,
        "they are summed up with their own window"
    );
    assert!(world.items("incidents").await.iter().all(|item| item["told_alerts"] == "1"));
}

#[tokio::test]
async fn an_item_that_makes_the_fan_out_panic_keeps_nobody_else_from_being_told() {
    let world = World::start().await;
    let bad = world.open_incident(IncidentKind::BruteForce, "192.0.2.1", 1).await;
    let good = world.open_incident(IncidentKind::BruteForce, "192.0.2.2", 1).await;
    world.fault(Fault::always(Mode::Panic).item(&bad));
    let records = [world.incident_record(&bad, 1, 1), world.incident_record(&good, 1, 2)];
    assert_eq!(world.fan_out(&records).await, ["1"]);
    assert_eq!(world.incident(&good).await["told_alerts"], "1");
}

#[tokio::test]
async fn al16_a_redrive_leaves_out_what_is_closed_or_old() {
    let world = World::start().await;
    world.stack().sns().inject(Fault::always(Mode::Error));
    world.stack().webhooks().inject(Fault::always(Mode::Error));
    let old = world.open_incident(IncidentKind::BruteForce, "192.0.2.1", 1).await;
    world.advance(8 * 86_400);
    let closed = world.open_incident(IncidentKind::BruteForce, "192.0.2.2", 1).await;
    let open = world.open_incident(IncidentKind::BruteForce, "192.0.2.3", 1).await;
    world.pump().await;
    world.palisade(&["incidents", "resolve", &closed, "a test of ours"]).await.expect("resolved");
    world.stack().sns().clear();
    world.stack().webhooks().clear();
    assert!(world.palisade(&["incidents", "redrive"]).await.expect("redriven").starts_with("1 incidents"));
    assert_eq!(told_on_topic(&world, &open).await, [1]);
    assert!(told_on_topic(&world, &closed).await.is_empty() && told_on_topic(&world, &old).await.is_empty());
    assert!(world.palisade(&["incidents", "redrive", "--since", "30d"]).await.expect("redriven").starts_with("1 incidents"));
    assert_eq!(told_on_topic(&world, &old).await, [1]);
}

#[tokio::test]
async fn al12_hostile_texts_stay_in_their_place() {
    let (world, id) = with_one().await;
    let hostile = "x\r\n{\"event\":\"fake\"}<script>alert(1)</script><!channel>\u{1b}[31m\u{2028}${jndi:ldap://x}";
    for attribute in ["subject", "reason", "ip"] {
        let text = palisade_local::AttributeValue::S(hostile.to_owned());
        world.edit("incidents", &[("incident_id", &id)], attribute, Some(text)).await;
    }
    let alerts = world.alerts().await;
    assert_eq!(alerts[0]["details"]["subject"], hostile, "JSON round-trips");
    let published = &world.stack().sns().published()[0];
    let subject = published.subject.as_deref().expect("a subject");
    assert!(subject.is_ascii() && subject.len() <= 100 && !subject.contains(['\r', '\n']));
    let mail = published.email.as_deref().expect("a mail");
    assert_eq!(mail.lines().count(), 11, "no line was made up: {mail}");
    assert!(!mail.contains(['\u{1b}', '\u{2028}', '\r']));
    assert!(!published.body.contains(['\n', '\r', '\u{1b}']), "one line");
}

#[tokio::test]
async fn al16_after_a_day_without_the_function_every_incident_is_redriven_once() {
    let world = World::start().await;
    world.fault(Fault::always(Mode::Error).table("incidents").operation("UpdateItem"));
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.open_incident(IncidentKind::BruteForce, &format!("192.0.2.{n}"), 12).await);
    }
    world.pump().await;
    assert!(world.stack().sns().published().is_empty() && !world.stack().dead_letters().is_empty());
    world.stack().faults().clear();
    world.advance(86_400);
    for expected in ["5 incidents and 0 notices", "0 incidents and 0 notices"] {
        let printed = world.palisade(&["incidents", "redrive"]).await.expect("it is redriven");
        assert!(printed.starts_with(expected), "{printed}");
        world.pump().await;
    }
    for id in &ids {
        assert_eq!((told_on_topic(&world, id).await, told_on_webhook(&world, id).await), (vec![10], vec![10]));
    }
}

#[tokio::test]
async fn al19_nothing_that_goes_to_operators_holds_an_address_of_a_mailbox_a_password_or_a_token() {
    let world = World::builder().nist().start().await;
    world.account("canary@example.com", PASSWORD).await;
    for _ in 0..11 {
        world.stranger().login("canary@example.com", "canary-Wrong-4711-fake").await;
        world.advance(61);
    }
    let session = world.stranger().login("canary@example.com", PASSWORD).await;
    assert_eq!(session.status(), 200);
    let hooks: Vec<String> = world.webhooks().await.into_iter().map(|hook| format!("{:?} {}", hook.headers, hook.body)).collect();
    let alerts: Vec<String> = world
        .stack()
        .sns()
        .published()
        .into_iter()
        .filter(|message| message.topic == "alerts")
        .map(|message| format!("{message:?}"))
        .collect();
    assert!(hooks.len() >= 2 && alerts.len() >= 2, "guessing, and a login after it");
    let token = session.cookie("__Host-session");
    for text in hooks.iter().chain(&alerts) {
        for secret in ["canary", PASSWORD, &token, token.split('.').next().expect("a key")] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
