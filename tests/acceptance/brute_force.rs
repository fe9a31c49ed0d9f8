//! Guessing, in parallel, slowly, from everywhere: what the throttle of an account lets through.

use acceptance::{Reply, World};
use palisade_local::{Fault, Mode};
use serde_json::json;
use tokio::task::JoinSet;

const PASSWORD: &str = "correct-Horse-7-battery";

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

/// Starts all of `passwords` at once, each from an address of its own.
async fn at_once(world: &World, passwords: impl IntoIterator<Item = &'static str>) -> Vec<(&'static str, Reply)> {
    let mut running = JoinSet::new();
    for password in passwords {
        let stranger = world.stranger();
        running.spawn(async move { (password, stranger.login("alice@example.com", password).await) });
    }
    running.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_two_hundred_parallel_guesses_run_at_most_three_hashes() {
    let world = world().await;
    world.fault(Fault::always(Mode::Shuffle));
    let replies = at_once(&world, ["wrong"; 200]).await;
    let hashes = world.hashes();
    assert!((1..=3).contains(&hashes), "{hashes} hashes");
    let tried = replies.iter().filter(|(_, reply)| reply.status() == 401).count();
    assert_eq!(tried, usize::try_from(hashes).expect("small"));
    assert!(replies.iter().all(|(_, reply)| reply.status() == 401 || (reply.status() == 429 && reply.retry_after() >= 1)));
    let lane = world.lane().await;
    let stored: u32 = lane["settled"].as_str().expect("a number").parse().expect("a number");
    assert!(stored >= hashes, "{stored} stored, {hashes} run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_the_right_password_among_them_is_not_even_checked_once_the_places_are_taken() {
    let world = world().await;
    world.fault(Fault::always(Mode::Shuffle));
    let replies = at_once(&world, (0..200).map(|n| if n == 49 { PASSWORD } else { "wrong" })).await;
    assert!(world.hashes() <= 3);
    let right = replies.iter().find(|(password, _)| *password == PASSWORD).expect("it was sent");
    let sessions = world.items("sessions").await.len();
    match right.1.status() {
        200 => assert_eq!(sessions, 1, "it was among the first three"),
        status => assert_eq!((status, sessions), (429, 0)),
    }
}

#[tokio::test]
async fn a02_with_all_places_taken_the_right_password_waits() {
    let world = world().await;
    world.stranger().login("alice@example.com", "wrong").await;
    world.advance(1);
    let now = world.stack().clock().expect("manual").now().millis();
    let lane = world.lane().await;
    let key = lane["counter"].as_str().expect("a key");
    let lease = |n: usize| {
        let number = |value: i64| acceptance::Edit::N(value.to_string());
        let map = [("reserved_at".to_owned(), number(now)), ("settled_before".to_owned(), number(1))];
        (format!("other-{n}"), acceptance::Edit::M(map.into()))
    };
    world.edit("counters", &[("counter", key)], "leases", Some(acceptance::Edit::M((0..3).map(lease).collect()))).await;
    let before = world.hashes();
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!((reply.status(), reply.reason().as_str()), (429, "login_delay"));
    assert_eq!(world.hashes(), before, "the password was not checked");
    assert!(world.items("sessions").await.is_empty());
    // The three run out into failures; whoever waits as told is admitted.
    world.advance(reply.retry_after());
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_two_right_logins_at_once_both_succeed() {
    for _ in 0..5 {
        let world = world().await;
        world.fault(Fault::always(Mode::Shuffle));
        let replies = at_once(&world, [PASSWORD; 2]).await;
        assert!(replies.iter().all(|(_, reply)| reply.status() == 200), "{replies:?}");
        assert_eq!(world.items("sessions").await.len(), 2);
    }
}

#[tokio::test]
async fn a03_a_success_forgets_the_failures_before_it() {
    let world = world().await;
    for wait in [1, 2, 4] {
        assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.retry_after(), wait);
        world.advance(wait);
    }
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
    world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.retry_after(), 1, "the delay starts again");
}

#[tokio::test]
async fn a05_one_guess_each_from_three_hundred_addresses_waits_out_every_step() {
    let world = world().await;
    let (mut hashes, mut elapsed, mut steps) = (0, 0, Vec::new());
    for _ in 0..300 {
        let reply = world.stranger().login("alice@example.com", "wrong").await;
        if reply.status() == 401 {
            hashes += 1;
            steps.push(elapsed);
        }
        world.advance(1);
        elapsed += 1;
    }
    assert_eq!(world.hashes(), hashes);
    let waits: Vec<u64> = steps.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits[..6], [1, 2, 4, 8, 16, 32]);
    assert!(waits[6..].iter().all(|wait| *wait == 60), "{waits:?}");
}

#[tokio::test]
async fn a05_nist_closes_the_account_to_unknown_devices_after_a_hundred_in_a_row_whether_or_not_it_exists() {
    let world = World::builder().nist().setting("PALISADE_LOGIN_CLOSES_AT", 10).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let device = world.stranger().login("alice@example.com", PASSWORD).await.cookie("__Host-device");
    let mut last = Vec::new();
    for name in ["alice@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            assert_eq!(world.stranger().login(name, "wrong").await.status(), 401);
            world.advance(60);
        }
        world.advance(30 * 86_400);
        let hashes = world.hashes();
        let reply = world.stranger().login(name, PASSWORD).await;
        assert_eq!((reply.status(), reply.reason().as_str(), reply.retry_after()), (429, "login_delay", 3_600));
        assert_eq!(world.hashes(), hashes);
        let (status, headers, body) = reply.comparable();
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| name != "x-ratelimit-reset").collect();
        last.push((status, headers, body));
    }
    assert_eq!(last[0], last[1], "a name nobody has behaves the same");
    assert_eq!(world.stranger().device(&device).login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a22_guessing_on_during_a_delay_changes_nothing() {
    let world = world().await;
    for wait in [1, 2, 4, 8] {
        world.stranger().login("alice@example.com", "wrong").await;
        world.advance(wait);
    }
    world.stranger().login("alice@example.com", "wrong").await;
    let before = (world.lane().await, world.hashes());
    let mut last = u64::MAX;
    for _ in 0..15 {
        let reply = world.stranger().login("alice@example.com", "wrong").await;
        assert_eq!(reply.reason(), "login_delay");
        assert!(reply.retry_after() < last, "the wait only shrinks");
        last = reply.retry_after();
        world.advance(1);
    }
    assert_eq!((world.lane().await, world.hashes()), before);
}

#[tokio::test]
async fn a32_whoever_waits_as_told_is_admitted() {
    let world = world().await;
    for _ in 0..8 {
        assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
        world.advance_millis(300);
        let wait = world.stranger().login("alice@example.com", "wrong").await.retry_after();
        world.advance(wait);
    }
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a25_a_clock_behind_never_resets_a_count() {
    for skew in [2, 300] {
        let world = world().await;
        world.advance(600);
        world.stranger().login("alice@example.com", "wrong").await;
        let clock = world.stack().clock().expect("manual").clone();
        clock.rewind(std::time::Duration::from_secs(skew));
        let behind = world.stranger().login("alice@example.com", PASSWORD).await;
        assert_eq!(behind.reason(), "login_delay", "a clock {skew} s behind sees the delay");
        world.advance(skew + 1);
        world.stranger().login("alice@example.com", "wrong").await;
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.retry_after(), 2, "the first failure still counts");
    }
}

#[tokio::test]
async fn a26_damaged_counters_are_never_a_free_pass_and_never_a_500() {
    let bad = ["9007199254740992", "-1", "1000000000000000000000000000000"];
    let numbers = bad.into_iter().map(|n| Some(acceptance::Edit::N(n.to_owned())));
    for value in numbers.chain([Some(acceptance::Edit::S("abc".into())), None]) {
        for attribute in ["settled", "forgotten", "not_before", "last_failure", "leases"] {
            let world = world().await;
            world.stranger().login("alice@example.com", "wrong").await;
            let key = world.lane().await["counter"].as_str().expect("a key").to_owned();
            world.edit("counters", &[("counter", &key)], attribute, value.clone()).await;
            world.advance(60);
            let client = world.stranger();
            assert_eq!(client.login("alice@example.com", "wrong").await.status(), 401, "{attribute} {value:?}");
            let next = world.stranger().login("alice@example.com", PASSWORD).await;
            assert_eq!(next.reason(), "login_delay", "{attribute} {value:?}");
            let least = if attribute == "leases" { 4 } else { 2 };
            assert!((least..=60).contains(&next.retry_after()), "{attribute} {value:?}: {}", next.retry_after());
        }
    }
}

#[tokio::test]
async fn a26_a_damaged_counter_of_an_address_refuses_until_its_window_ends() {
    let world = world().await;
    let client = world.stranger();
    client.login("alice@example.com", PASSWORD).await;
    let key = world.counter("ip#").await.expect("a window")["counter"].as_str().expect("a key").to_owned();
    for (attribute, value) in [("requests", acceptance::Edit::S("abc".into())), ("auth_requests", acceptance::Edit::N("-5".into()))]
    {
        world.edit("counters", &[("counter", &key)], attribute, Some(value)).await;
        let reply = client.login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.status(), 429, "{attribute}: {}", reply.text);
        assert_eq!(world.last_entry().hashes, 0);
        world.edit("counters", &[("counter", &key)], attribute, Some(acceptance::Edit::N("1".into()))).await;
    }
    world.edit("counters", &[("counter", &key)], "requests", Some(acceptance::Edit::S("abc".into()))).await;
    world.advance(3_600);
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a09_spellings_of_one_name_share_one_delay() {
    let world = world().await;
    for (name, wait) in [("Alice@example.com", 1), ("ALICE@EXAMPLE.COM", 2), ("aLiCe@Example.Com", 4)] {
        assert_eq!(world.stranger().login(name, "wrong").await.status(), 401);
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.retry_after(), wait);
        world.advance(wait);
    }
    world.lane().await;
    assert_eq!(world.stranger().login("ALICE@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a10_composed_and_full_width_names_are_one_account() {
    let world = World::start().await;
    world.account("ren\u{e9}e", PASSWORD).await;
    for name in ["Rene\u{301}e", "\u{ff32}en\u{e9}\u{ff45}", "\u{1d3f}en\u{e9}e"] {
        assert_eq!(world.stranger().login(name, PASSWORD).await.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn a29_ten_thousand_requests_at_a_delayed_account_cost_two_writes_each_and_no_hash() {
    // 300 over the stack; the state machine's own test goes on to 10,000.
    let world = world().await;
    world.stranger().login("alice@example.com", "wrong").await;
    let one_address = world.stranger();
    let (hashes, mut told) = (world.hashes(), 0);
    for n in 0..300 {
        let client = if n % 2 == 0 { world.stranger() } else { one_address.clone() };
        assert_eq!(client.login("alice@example.com", "wrong").await.status(), 429);
        let entry = world.last_entry();
        let tells = entry.calls.iter().any(|call| call.table == "incidents");
        told += usize::from(tells);
        assert!(tells || entry.write_units() <= 2.0, "{entry:?}");
    }
    assert_eq!(told, 1, "operators are told of the one address, once");
    assert_eq!(world.hashes(), hashes);
    assert_eq!(one_address.login("alice@example.com", "wrong").await.reason(), "auth_rate_limit");
    assert_eq!(world.last_entry().write_units(), 1.0, "once the address is over its own limit");
}

#[tokio::test]
async fn r42_a_delay_is_told_with_its_fields() {
    let world = world().await;
    world.stranger().login("alice@example.com", "wrong").await;
    let reply = world.stranger().login("alice@example.com", "wrong").await;
    let body = reply.json();
    assert_eq!(body["status"], 429);
    assert_eq!((&body["reason"], &body["limit"], &body["reset_in"]), (&json!("login_delay"), &json!(1), &json!(1)));
    assert_eq!(reply.header("retry-after"), "1");
}
