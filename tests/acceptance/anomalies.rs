//! What is unusual about a login, who is told, and that nobody is refused for it.

use acceptance::{Actor, Reply, World};
use palisade_local::{Fault, Mode, NewAccount};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const NAME: &str = "alice@example.com";
/// From 3 in the morning to 9.
const TO_NINE: u64 = 6 * 3_600;

async fn world() -> World {
    let world = World::builder().nist().start().await;
    world.account(NAME, PASSWORD).await;
    world.advance(TO_NINE);
    world
}

fn anomalies(login: &Reply) -> Vec<String> {
    assert_eq!(login.status(), 200, "{}", login.text);
    serde_json::from_value(login.json()["anomalies"].clone()).expect("words")
}

/// The same actor with the device that its login made.
fn known(actor: &Actor, login: &Reply) -> Actor {
    actor.clone().device(&login.cookie("__Host-device"))
}

async fn at_home(world: &World) -> Actor {
    let home = world.actor("198.51.100.1");
    let first = home.login(NAME, PASSWORD).await;
    assert_eq!(anomalies(&first), ["new_device"]);
    known(&home, &first)
}

async fn incidents(world: &World, kind: &str) -> Vec<std::collections::HashMap<String, Value>> {
    world.items("incidents").await.into_iter().filter(|incident| incident["type"] == kind).collect()
}

async fn kinds(world: &World) -> Vec<String> {
    let mailbox = world.mailbox().await;
    mailbox.iter().map(|notice| notice["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[tokio::test]
async fn a_usual_login_of_a_known_device_has_no_anomalies() {
    let world = world().await;
    let home = at_home(&world).await;
    assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty());
    assert!(world.items("incidents").await.is_empty() && kinds(&world).await.is_empty());
}

#[tokio::test]
async fn r44_r49_the_eleventh_login_within_an_hour_is_unusual_and_an_hour_later_none() {
    let world = world().await;
    let home = at_home(&world).await;
    for n in 2..=10 {
        world.advance(60);
        assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty(), "login {n}");
    }
    assert_eq!(anomalies(&home.login(NAME, PASSWORD).await), ["high_frequency_logins"]);
    world.advance(3_600);
    assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty());
}

#[tokio::test]
async fn what_is_only_somewhat_unusual_is_a_notice_and_no_incident() {
    let world = World::builder().nist().start().await;
    world.account(NAME, PASSWORD).await;
    let home = world.stranger();
    let device = known(&home, &home.login(NAME, PASSWORD).await);
    for _ in 2..=10 {
        device.login(NAME, PASSWORD).await;
    }
    assert!(kinds(&world).await.is_empty());
    assert_eq!(anomalies(&device.login(NAME, PASSWORD).await), ["high_frequency_logins", "unusual_time_login"]);
    assert_eq!(world.last_entry().depth, 4);
    assert_eq!(kinds(&world).await, ["anomalous_login"]);
    assert!(world.items("incidents").await.is_empty());
}

#[tokio::test]
async fn r45_the_hour_is_that_of_the_account_else_of_the_deployment() {
    let world = World::builder().nist().setting("PALISADE_TIME_ZONE", "America/New_York").start().await;
    let berlin = NewAccount {
        identifier: "berlin@example.com".into(),
        password: Some(PASSWORD.into()),
        time_zone: Some("Europe/Berlin".into()),
        ..NewAccount::default()
    };
    world.make(berlin).await;
    world.account(NAME, PASSWORD).await;
    // 3:00 UTC is 5:00 in Berlin and 23:00 in New York; an hour later it is 6:00 and 0:00.
    for (unusual_in_berlin, text) in [(true, "05:00 Europe/Berlin"), (false, "06:00 Europe/Berlin")] {
        let actor = world.stranger();
        let unusual = anomalies(&actor.login("berlin@example.com", PASSWORD).await).contains(&"unusual_time_login".to_owned());
        assert_eq!(unusual, unusual_in_berlin, "{text}");
        let events = actor.events();
        let told = events.iter().find(|event| event["event"] == "authn_login_success").expect("an event");
        assert_eq!(told["decision"]["local_time"], text, "a time is told with its zone");
        assert!(anomalies(&world.stranger().login(NAME, PASSWORD).await).contains(&"unusual_time_login".to_owned()));
        world.advance(3_600);
    }
}

#[tokio::test]
async fn r46_r49_the_sixth_address_within_a_day_is_unusual() {
    let world = world().await;
    let home = at_home(&world).await;
    for host in 2..=6 {
        world.advance(600);
        let away = home.clone().moved_to(&format!("198.51.100.{host}"));
        let expected: &[&str] = if host == 6 { &["multiple_ip_addresses"] } else { &[] };
        assert_eq!(anomalies(&away.login(NAME, PASSWORD).await), expected, "address {host}");
    }
    world.advance(86_400);
    assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty());
}

#[tokio::test]
async fn r47_an_address_with_more_than_three_failures_is_told() {
    let world = world().await;
    let home = at_home(&world).await;
    for n in 0..4 {
        assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty(), "after {n}");
        assert_eq!(home.clone().without("cookie").login(&format!("someone-{n}@example.com"), "wrong").await.status(), 401);
    }
    assert_eq!(anomalies(&home.login(NAME, PASSWORD).await), ["multiple_failed_logins"]);
}

#[tokio::test]
async fn a_guessed_password_is_an_incident_with_a_notice_and_the_guesser_is_let_in_all_the_same() {
    let world = world().await;
    at_home(&world).await;
    for _ in 0..10 {
        assert_eq!(world.stranger().login(NAME, "wrong").await.status(), 401);
        world.advance(61);
    }
    let brute_force = incidents(&world, "brute_force").await;
    assert_eq!((brute_force.len(), &brute_force[0]["severity"]), (1, &json!("high")), "of the account, from the tenth on");
    let guesser = world.stranger();
    assert_eq!(anomalies(&guesser.login(NAME, PASSWORD).await), ["success_after_failures", "new_device"]);
    assert_eq!((world.last_entry().depth, world.last_entry().hashes), (4, 1), "the incident has its own round trip");
    let found = incidents(&world, "anomalous_login").await;
    assert_eq!((found.len(), &found[0]["reason"]), (1, &json!("success_after_failures")));
    assert_eq!(kinds(&world).await, ["anomalous_login"]);
    assert!(guesser.event_names().contains(&"anomalous_login".to_owned()));
}

#[tokio::test]
async fn ten_failures_over_months_are_no_brute_force() {
    let world = World::builder().nist().start().await;
    world.account(NAME, PASSWORD).await;
    for _ in 0..15 {
        world.stranger().login(NAME, "wrong").await;
        world.advance(86_400 + 3_600);
    }
    world.advance(TO_NINE);
    assert!(incidents(&world, "brute_force").await.is_empty());
    assert!(!anomalies(&world.stranger().login(NAME, PASSWORD).await).contains(&"success_after_failures".to_owned()));
}

#[tokio::test]
async fn e01_guessing_at_a_known_and_an_unknown_name_tells_operators_with_the_same_calls() {
    let world = World::builder().nist().start().await;
    world.account(NAME, PASSWORD).await;
    let mut seen = Vec::new();
    for name in [NAME, "nobody@example.com"] {
        let mut vectors = Vec::new();
        for _ in 0..11 {
            world.stranger().login(name, "wrong").await;
            vectors.push((world.last_entry().vector(), world.last_entry().depth));
            world.advance(61);
        }
        // One batch of all accounts' failures is written down every ten, whoever they are of.
        seen.push([vectors[7].clone(), vectors[10].clone()]);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(incidents(&world, "brute_force").await.len(), 2);
}

#[tokio::test]
async fn a07_a_slow_spray_over_many_addresses_is_one_incident_and_nobody_is_refused() {
    for nist in [false, true] {
        let builder = World::builder();
        let world = if nist { builder.nist() } else { builder }.start().await;
        let mut writes = 0.0;
        for n in 0..200 {
            let reply = world.stranger().login(&format!("person-{n}@example.com"), "Spring-2033!").await;
            assert_eq!(reply.status(), 401, "{n}: {}", reply.text);
            writes += world.last_entry().write_units();
        }
        let found = incidents(&world, "brute_force").await;
        let told: Vec<_> = found.iter().map(|incident| (&incident["subject"], &incident["reason"])).collect();
        assert_eq!(told, [(&json!("all"), &json!("all_accounts"))]);
        assert!(writes <= 200.0 * 3.1 + 4.0, "three writes each, a tenth for the count, the incident and its mark: {writes}");
        world.account("person-7@example.com", PASSWORD).await;
        world.advance(2);
        assert_eq!(world.stranger().login("person-7@example.com", PASSWORD).await.status(), 200, "no lasting delay");
    }
}

#[tokio::test]
async fn a07_what_could_not_be_written_is_counted_on_and_an_hour_that_ended_is_written_down() {
    let world = World::builder().start().await;
    let hour = |world: &World| world.stack().clock().expect("manual").now().seconds() / 3_600;
    let first = format!("failures#{}", hour(&world));
    world.fault(Fault::always(Mode::Error).item(&first));
    for n in 0..15 {
        world.stranger().login(&format!("person-{n}@example.com"), "wrong").await;
    }
    world.stack().faults().clear();
    world.stranger().login("person-15@example.com", "wrong").await;
    assert_eq!(world.counter(&first).await.expect("an hour")["failures"], "16");
    for n in 16..20 {
        world.stranger().login(&format!("person-{n}@example.com"), "wrong").await;
    }
    world.advance(3_600);
    world.stranger().login("person-20@example.com", "wrong").await;
    assert_eq!(world.counter(&first).await.expect("an hour")["failures"], "20");
}

#[tokio::test]
async fn a07_an_hour_that_cannot_be_written_takes_no_other_with_it() {
    let world = World::builder().start().await;
    let hour = world.stack().clock().expect("manual").now().seconds() / 3_600;
    for n in 0..9 {
        world.stranger().login(&format!("person-{n}@example.com"), "wrong").await;
    }
    world.advance(3_600);
    world.fault(Fault::always(Mode::Error).item(&format!("failures#{hour}")));
    for n in 9..19 {
        world.stranger().login(&format!("person-{n}@example.com"), "wrong").await;
    }
    world.stack().faults().clear();
    world.stranger().login("person-19@example.com", "wrong").await;
    let written = async |hour: i64| world.counter(&format!("failures#{hour}")).await.map(|item| item["failures"].clone());
    assert_eq!(written(hour).await, Some(json!("9")));
    assert_eq!(written(hour + 1).await, Some(json!("10")), "its own ten, and the eleventh waits");
}

#[tokio::test]
async fn a07_a_busy_morning_is_no_attack() {
    let world = World::builder().nist().start().await;
    for n in 0..120 {
        let name = format!("person-{n}@example.com");
        world.account(&name, PASSWORD).await;
        world.stranger().login(&name, "typo").await;
        world.advance(1);
        for _ in 0..5 {
            assert_eq!(world.stranger().login(&name, PASSWORD).await.status(), 200);
        }
    }
    let told = world.items("incidents").await;
    assert!(told.is_empty(), "more than a hundred failures among six hundred successes: {told:?}");
}

#[tokio::test]
async fn al10_a_storm_of_failures_is_one_incident_for_each_subject_and_window() {
    let world = World::builder().nist().start().await;
    world.account(NAME, PASSWORD).await;
    let storm = world.stranger();
    for n in 0..300 {
        // One address at many names, many addresses at one name, and both at once.
        storm.login(&format!("person-{}@example.com", n % 40), "wrong").await;
        world.stranger().login(NAME, "wrong").await;
        world.advance(1);
    }
    let mut told: Vec<_> = world
        .items("incidents")
        .await
        .iter()
        .map(|incident| format!("{} {}", incident["type"].as_str().expect("a word"), incident["reason"].as_str().expect("a word")))
        .collect();
    told.sort();
    assert_eq!(
        told,
        ["brute_force all_accounts", "brute_force one_account", "brute_force one_address", "username_enumeration many_names"]
    );
    assert!(world.notices().await.is_empty(), "and nobody is mailed");
}

#[tokio::test]
async fn a08_each_success_from_an_address_that_stuffs_credentials_is_an_incident() {
    let world = World::builder().nist().start().await;
    for name in ["hit-1@example.com", "hit-2@example.com"] {
        world.account(name, PASSWORD).await;
    }
    let thief = world.stranger();
    for n in 0..60 {
        // What costs an attacker nothing hides nothing.
        for _ in 0..2 {
            thief.post("/password/reset", &json!({ "token": "none", "new_password": "Violet-Kettle-9-harbour" })).await;
        }
        let hit = n == 20 || n == 50;
        let name = if hit { format!("hit-{}@example.com", 1 + n / 50) } else { format!("miss-{n}@example.com") };
        let login = thief.login(&name, PASSWORD).await;
        assert_eq!(login.status(), if hit { 200 } else { 401 }, "{name}");
        if hit {
            assert!(anomalies(&login).contains(&"credential_stuffing".to_owned()), "{}", login.text);
        }
    }
    assert_eq!(incidents(&world, "anomalous_login").await.len(), 2);
    assert_eq!(kinds(&world).await, ["anomalous_login", "anomalous_login"]);
    assert_eq!(incidents(&world, "username_enumeration").await.len(), 1);
}

#[tokio::test]
async fn invariant_9_an_incident_that_cannot_be_written_decides_nothing_and_is_written_by_the_next() {
    let world = World::builder().short_timeouts().start().await;
    for mode in [Mode::Error, Mode::Timeout] {
        let client = world.stranger();
        world.fault(Fault::always(mode).table("incidents"));
        for n in 0..7 {
            let reply = client.login(&format!("{mode:?}-{n}@example.com"), "wrong").await;
            assert_eq!(reply.status(), if n < 5 { 401 } else { 429 }, "{mode:?}, {n}: {}", reply.text);
        }
        let before = incidents(&world, "brute_force").await.len();
        world.stack().faults().clear();
        assert_eq!(client.login("person-8@example.com", "wrong").await.status(), 429);
        assert_eq!(incidents(&world, "brute_force").await.len(), before + 1, "{mode:?}");
        client.login("person-9@example.com", "wrong").await;
        assert!(world.last_entry().calls.iter().all(|call| call.table != "incidents"), "once");
    }
}

#[tokio::test]
async fn a_baseline_that_fails_or_is_damaged_keeps_nobody_out() {
    let world = world().await;
    let home = at_home(&world).await;
    let key = world.counter("account#").await.expect("a lane")["counter"].as_str().expect("a key")[..30].to_owned();
    let baseline = format!("{key}#baseline");
    world.edit("counters", &[("counter", &baseline)], "logins", Some(acceptance::Edit::S("junk".into()))).await;
    assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty(), "and it is made anew");
    assert_eq!(world.counter(&baseline).await.expect("a baseline")["logins"].as_array().map(Vec::len), Some(1));
    world.fault(Fault::always(Mode::Error).item(&baseline));
    assert!(anomalies(&home.login(NAME, PASSWORD).await).is_empty());
    assert!(home.event_names().contains(&"dependency_failed".to_owned()));
}

#[tokio::test]
async fn a_baseline_stays_small_however_many_logins_there_are() {
    let world = world().await;
    let home = at_home(&world).await;
    let mut cuts = 0;
    for _ in 0..100 {
        world.advance(30);
        home.login(NAME, PASSWORD).await;
        cuts += usize::from(world.last_entry().write_units() > 6.0);
    }
    let baseline = world
        .items("counters")
        .await
        .into_iter()
        .find(|item| item["counter"].as_str().is_some_and(|key| key.ends_with("baseline")));
    let entries = baseline.expect("a baseline")["logins"].as_array().map(Vec::len).expect("a set");
    assert!((1..=40).contains(&entries) && cuts <= 4, "{entries} entries, {cuts} cuts");
}
