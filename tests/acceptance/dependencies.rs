//! DynamoDB slow, silent, refusing, lying or gone: never an allow, never a wrong answer, never a 500.

use acceptance::World;
use palisade_local::{Fault, Mode};

const PASSWORD: &str = "correct-Horse-7-battery";

async fn world() -> World {
    let world = World::builder().short_timeouts().start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

#[tokio::test]
async fn d01_throttling_on_the_counters_is_503_without_a_hash() {
    let world = world().await;
    for operation in ["UpdateItem", "GetItem", "PutItem"] {
        world.fault(Fault::always(Mode::Throttle).table("counters").operation(operation));
        for password in [PASSWORD, "wrong"] {
            let reply = world.stranger().login("alice@example.com", password).await;
            assert_eq!((reply.status(), reply.code().as_str()), (503, "unavailable"), "{operation}");
            assert_eq!(reply.header("retry-after"), "1");
        }
        world.stack().faults().clear();
    }
    assert_eq!(world.hashes(), 0);
    assert!(world.items("sessions").await.is_empty());
}

#[tokio::test]
async fn d03_a_lost_race_goes_on_from_what_stands_there() {
    for winner in [PASSWORD, "wrong"] {
        let world = world().await;
        world.fault(Fault::always(Mode::Hold).table("counters").operation("PutItem").times(1));
        let slow = world.stranger();
        let slow = tokio::spawn(async move { slow.login("alice@example.com", PASSWORD).await });
        world.held(1).await;
        // The winner reserves and settles between the loser's read and its write.
        let expected = if winner == PASSWORD { 200 } else { 401 };
        assert_eq!(world.stranger().login("alice@example.com", winner).await.status(), expected);
        world.stack().faults().release();
        let slow = slow.await.expect("no panic");
        let lane_writes = puts_of_lanes(&world.last_entry());
        if winner == PASSWORD {
            assert_eq!((slow.status(), lane_writes), (200, 3), "the refused write, its repetition, the settlement");
        } else {
            assert_eq!((slow.status(), slow.reason().as_str(), lane_writes), (429, "login_delay", 1));
        }
    }
}

#[tokio::test]
async fn d03_a_reservation_that_keeps_losing_is_429_and_not_repeated_for_ever() {
    let world = world().await;
    world.fault(Fault::always(Mode::Hold).table("counters").operation("PutItem").times(1));
    let slow = world.stranger();
    let slow = tokio::spawn(async move { slow.login("alice@example.com", PASSWORD).await });
    let mut held = 1;
    loop {
        world.held(held).await;
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
        if held == 3 {
            break;
        }
        held += 1;
        // The next write to come is the loser's next try: everybody else is done.
        world.fault(Fault::always(Mode::Hold).table("counters").operation("PutItem").times(1));
        world.stack().faults().release();
    }
    world.stack().faults().release();
    let slow = slow.await.expect("no panic");
    assert_eq!((slow.status(), slow.reason().as_str(), slow.retry_after()), (429, "login_delay", 1));
    assert_eq!(puts_of_lanes(&world.last_entry()), 3, "one reservation and two repetitions");
    assert_eq!(world.counter("ip#").await.expect("a window")["failures_0"], "0", "its place was given back");
}

fn puts_of_lanes(entry: &palisade_local::Entry) -> usize {
    entry.calls.iter().filter(|call| call.table == "counters" && call.operation == "PutItem").count()
}

#[tokio::test]
async fn d07_an_outage_leaves_no_failures_behind_at_the_address() {
    let world = world().await;
    let client = world.stranger();
    let outages = [("accounts", "GetItem"), ("counters", "GetItem"), ("counters", "PutItem")];
    for (table, operation) in outages {
        world.fault(Fault::always(Mode::Error).table(table).operation(operation));
        for _ in 0..6 {
            assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 503, "{table} {operation}");
        }
        world.stack().faults().clear();
        assert_eq!(world.counter("ip#").await.expect("a window")["failures_0"], "0", "{table} {operation}");
    }
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn d05_a_lost_reply_makes_no_second_session_and_loses_no_failure() {
    for operation in ["PutItem", "UpdateItem"] {
        for table in ["counters", "sessions"] {
            let world = world().await;
            world.fault(Fault::always(Mode::LostReply).table(table).operation(operation).times(1));
            let right = world.stranger().login("alice@example.com", PASSWORD).await;
            assert_eq!(right.status(), 200, "{table} {operation}: {}", right.text);
            assert_eq!(world.items("sessions").await.len(), 1);
            assert_eq!(world.lane().await["settled"], "0");

            world.fault(Fault::always(Mode::LostReply).table("counters").operation(operation).times(1));
            assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
            assert_eq!(world.lane().await["settled"], "1");
            assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.reason(), "login_delay");
        }
    }
}

#[tokio::test]
async fn d05_a_lost_refund_leaves_the_count_too_high_never_too_low() {
    let world = world().await;
    let client = world.stranger();
    assert_eq!(client.login("alice@example.com", "wrong").await.status(), 401);
    world.advance(1);
    // The first update is the addition, the second the refund.
    world.fault(Fault::always(Mode::LostReply).table("counters").operation("UpdateItem").after(1).times(1));
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
    let window = world.counter("ip#").await.expect("a window");
    assert_eq!(window["failures_0"], "1", "a refund made twice would have taken the real failure away");
}

#[tokio::test]
async fn d07_with_writes_failing_and_reads_working_login_is_503_and_nothing_is_issued() {
    let world = world().await;
    for operation in ["PutItem", "UpdateItem"] {
        world.fault(Fault::always(Mode::Error).operation(operation));
    }
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 503);
    world.stack().faults().clear();
    world.fault(Fault::always(Mode::Error).operation("GetItem"));
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 503);
    world.stack().faults().clear();
    for table in ["accounts", "sessions", "counters"] {
        world.fault(Fault::always(Mode::Error).table(table));
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 503, "{table}");
        world.stack().faults().clear();
        world.advance(3_600);
    }
    assert!(world.items("sessions").await.is_empty());
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200, "it recovers by itself");
}

#[tokio::test]
async fn d07_a_failed_refund_or_settlement_takes_no_login_back() {
    let world = world().await;
    for (operation, reached_before) in [("UpdateItem", 1), ("PutItem", 1)] {
        let client = world.stranger();
        world.fault(Fault::always(Mode::Error).table("counters").operation(operation).after(reached_before));
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200, "{operation}");
        assert!(client.event_names().contains(&"dependency_failed".to_owned()), "{operation}");
        world.stack().faults().clear();
        // A lease left behind has run out into one failure by then.
        world.advance(60);
    }
}

#[tokio::test]
async fn d08_an_endpoint_that_refuses_or_never_answers_is_503_within_the_deadline() {
    let world = world().await;
    world.fault(Fault::always(Mode::Timeout));
    let client = world.stranger();
    assert_eq!(client.login("alice@example.com", PASSWORD).await.code(), "unavailable");
    assert!(client.event_names().contains(&"dependency_failed".to_owned()), "{:?}", client.events());
    world.stack().faults().clear();
    for mode in [Mode::Error, Mode::Malformed, Mode::Status(503), Mode::Status(302)] {
        world.fault(Fault::always(mode));
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.code(), "unavailable", "{mode:?}");
        world.stack().faults().clear();
    }
}

#[tokio::test]
async fn d08_the_deadline_holds_even_when_every_call_takes_all_it_may() {
    let world = World::builder()
        .setting("PALISADE_ATTEMPT_TIMEOUT_MS", 10_000)
        .setting("PALISADE_OPERATION_TIMEOUT_MS", 10_000)
        .setting("PALISADE_DEADLINE_MS", 100)
        .start()
        .await;
    world.fault(Fault::always(Mode::Timeout).table("accounts"));
    let client = world.stranger();
    let reply = client.login("alice@example.com", PASSWORD).await;
    assert_eq!((reply.status(), reply.code().as_str()), (503, "unavailable"));
    let events = client.events();
    assert_eq!(events.last().expect("an event")["event"], "deadline_exceeded", "found by the browser's name");
    assert!(events.last().expect("an event")["ip"].as_str().is_some_and(|ip| ip.starts_with("10.")));
}

#[tokio::test]
async fn d08_what_was_noted_before_the_deadline_is_logged() {
    let world = World::builder().nist().setting("PALISADE_DEADLINE_MS", 400).start().await;
    let client = world.stranger();
    for n in 0..10 {
        client.login(&format!("name-{n}@example.com"), "wrong").await;
    }
    world.fault(Fault::always(Mode::Timeout).operation("PutItem"));
    assert_eq!(client.login("name-10@example.com", "wrong").await.status(), 503);
    let names = client.event_names();
    assert_eq!(names[names.len() - 2..], ["username_enumeration", "deadline_exceeded"], "the first is told once an hour");
}

#[tokio::test]
async fn d09_old_copies_on_unmarked_reads_change_nothing() {
    let world = world().await;
    world.fault(Fault::always(Mode::Stale));
    assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.reason(), "login_delay");
    world.advance(1);
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn d14_items_of_wrong_types_deny_with_one_event_and_extra_attributes_are_ignored() {
    let number = || Some(acceptance::Edit::N("7".into()));
    let text = || Some(acceptance::Edit::S("abc".into()));
    let damages = [
        ("subject", number()),
        ("subject", text()),
        ("role", number()),
        ("role", text()),
        ("status", None),
        ("created_at", text()),
        ("auth_version", None),
        ("auth_version", Some(acceptance::Edit::N("-1".into()))),
        ("devices_not_before", text()),
        ("password", number()),
        ("password_normalization", None),
        ("password_changed_at", text()),
    ];
    for (attribute, value) in damages {
        let world = world().await;
        let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
        world.edit("accounts", &[("account_key", &key)], attribute, value.clone()).await;
        let client = world.stranger();
        let reply = client.login("alice@example.com", PASSWORD).await;
        let unknown = world.stranger().login("nobody@example.com", PASSWORD).await;
        assert_eq!(reply.comparable(), unknown.comparable(), "{attribute} {value:?}");
        assert_eq!(client.event_names(), ["corrupt_item", "authn_login_fail"], "{attribute} {value:?}");
    }
    let world = world().await;
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "favourite_colour", text()).await;
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn d16_a_request_killed_at_any_call_leaves_a_consistent_state() {
    // A call that never returns, with the deadline as the kill, at each call of a login in turn.
    for (table, operation, nth) in [
        ("counters", "UpdateItem", 0),
        ("counters", "GetItem", 0),
        ("accounts", "GetItem", 0),
        ("counters", "PutItem", 0),
        ("sessions", "PutItem", 0),
        ("counters", "PutItem", 1),
    ] {
        let world = World::builder()
            .setting("PALISADE_ATTEMPT_TIMEOUT_MS", 10_000)
            .setting("PALISADE_OPERATION_TIMEOUT_MS", 10_000)
            .setting("PALISADE_DEADLINE_MS", 1_000)
            .start()
            .await;
        world.account("alice@example.com", PASSWORD).await;
        world.fault(Fault::always(Mode::Timeout).table(table).operation(operation).after(nth));
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 503, "{table} {operation}");
        world.stack().faults().clear();
        // At worst a lease is left behind: it runs out into one failure, and the owner gets in.
        world.advance(5 + 1);
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200, "{table} {operation}");
    }
}

#[tokio::test]
async fn d17_the_second_request_of_an_environment_sees_nothing_of_the_first() {
    let world = world().await;
    world.account("bob@example.com", "another-Horse-8-battery").await;
    let (alice, bob) = (world.stranger(), world.stranger());
    let first = alice.login("alice@example.com", PASSWORD).await;
    let second = bob.login("bob@example.com", "wrong").await;
    assert_eq!(second.status(), 401);
    for secret in [first.cookie("__Host-session"), first.json()["account_id"].as_str().expect("an id").to_owned()] {
        assert!(!second.text.contains(&secret) && !format!("{:?}", bob.events()).contains(&secret));
    }
}

#[tokio::test]
async fn d18_time_is_read_for_each_request() {
    let world = world().await;
    world.stranger().login("alice@example.com", "wrong").await;
    world.advance(1_800);
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200, "the delay ended while the environment was frozen");
    assert_eq!(reply.json()["expires_at"], "2033-05-19T03:30:00Z");
}

#[tokio::test]
async fn swept_or_not_an_expired_item_makes_no_difference() {
    for sweep in [false, true] {
        let world = world().await;
        let client = world.stranger();
        for wait in [1, 2, 4] {
            client.login("alice@example.com", "wrong").await;
            world.advance(wait);
        }
        world.advance(2 * 86_400);
        if sweep {
            world.stack().sweep();
        }
        assert_eq!(client.login("alice@example.com", "wrong").await.status(), 401);
        assert_eq!(client.login("alice@example.com", PASSWORD).await.retry_after(), 1, "swept: {sweep}");
    }
}
