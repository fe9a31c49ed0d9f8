//! A device the owner has signed in from: strangers cannot shut it out, and it is no way round the throttle.

use acceptance::World;
use palisade_local::{Fault, Mode};

const PASSWORD: &str = "correct-Horse-7-battery";

async fn world_and_device() -> (World, String) {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let device = world.actor("192.0.2.1").login("alice@example.com", PASSWORD).await.cookie("__Host-device");
    (world, device)
}

#[tokio::test]
async fn a21_strangers_never_shut_the_owner_out_not_even_from_the_owners_own_address() {
    let (world, device) = world_and_device().await;
    let neighbour = world.actor("192.0.2.1");
    for n in 0..300 {
        let stranger = if n % 2 == 0 { world.stranger() } else { neighbour.clone() };
        assert_ne!(stranger.login("alice@example.com", "wrong").await.status(), 200);
        if n % 50 == 0 {
            let owner = world.actor("192.0.2.1").device(&device);
            assert_eq!(owner.login("alice@example.com", PASSWORD).await.status(), 200, "after {n}");
        }
    }
    assert_eq!(neighbour.login("alice@example.com", PASSWORD).await.status(), 429);
    let owner = world.actor("192.0.2.1").device(&device);
    let reply = owner.login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(owner.event_names()[0], "rate_limit_exempted", "the address is over its limit, and that is logged");
}

#[tokio::test]
async fn a21_a_forged_foreign_or_expired_device_does_not_help() {
    let (world, device) = world_and_device().await;
    world.account("mallory@example.com", PASSWORD).await;
    let foreign = world.stranger().login("mallory@example.com", PASSWORD).await.cookie("__Host-device");
    let (signed, _) = device.rsplit_once('.').expect("a tag");
    let forged = format!("{signed}.{}", "A".repeat(43));
    let renamed = foreign.replace(foreign.split('.').nth(1).expect("a key"), device.split('.').nth(1).expect("a key"));
    world.stranger().login("alice@example.com", "wrong").await;
    for token in [&forged, &foreign, &renamed, "junk"] {
        let reply = world.stranger().device(token).login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.reason(), "login_delay", "{token}");
    }
    assert_eq!(world.stranger().device(&device).login("alice@example.com", PASSWORD).await.status(), 200, "the real one does");
    world.advance(90 * 86_400);
    world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(
        world.stranger().device(&device).login("alice@example.com", PASSWORD).await.reason(),
        "login_delay",
        "ninety days on"
    );
}

#[tokio::test]
async fn a21_devices_issued_before_the_accounts_mark_are_unknown() {
    let (world, device) = world_and_device().await;
    world.advance(10);
    let now = world.stack().clock().expect("manual").now().millis();
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "devices_not_before", Some(acceptance::Edit::N(now.to_string()))).await;
    world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(world.stranger().device(&device).login("alice@example.com", PASSWORD).await.reason(), "login_delay");
}

#[tokio::test]
async fn a_devices_own_failures_delay_it_alone_and_close_its_lane_after_ten_in_a_row() {
    let (world, device) = world_and_device().await;
    for _ in 0..10 {
        assert_eq!(world.stranger().device(&device).login("alice@example.com", "wrong").await.status(), 401);
        let delayed = world.stranger().device(&device).login("alice@example.com", PASSWORD).await;
        let closed = delayed.status() == 200;
        if closed {
            break;
        }
        assert_eq!(delayed.reason(), "login_delay");
        assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200, "nobody else is delayed");
        world.advance(60);
    }
    // Its lane is closed: it goes by everybody's, and a success gives it a new identity.
    let reply = world.stranger().device(&device).login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200);
    let id = |token: &str| token.split('.').nth(2).map(str::to_owned);
    assert_ne!(id(&reply.cookie("__Host-device")), id(&device));
    world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(world.stranger().device(&device).login("alice@example.com", PASSWORD).await.reason(), "login_delay");
    let renewed = reply.cookie("__Host-device");
    assert_eq!(world.stranger().device(&renewed).login("alice@example.com", PASSWORD).await.status(), 200);
}

/// The key of the lane of `device`.
fn lane_of(device: &str) -> String {
    let parts: Vec<&str> = device.split('.').collect();
    format!("account#{}#device#{}", parts[1], parts[2])
}

/// Fails nine times in a row from `device`.
async fn nine_failures(world: &World, device: &str) {
    for _ in 0..9 {
        assert_eq!(world.stranger().device(device).login("alice@example.com", "wrong").await.status(), 401);
        world.advance(60);
    }
}

#[tokio::test]
async fn a03_two_right_logins_at_once_succeed_from_a_device_one_failure_before_its_closing() {
    let (world, device) = world_and_device().await;
    nine_failures(&world, &device).await;
    // The settlement: after the reservation.
    world.fault(Fault::always(Mode::Hold).operation("PutItem").item(&lane_of(&device)).after(1).times(1));
    let first = world.stranger().device(&device);
    let first = tokio::spawn(async move { first.login("alice@example.com", PASSWORD).await });
    world.held(1).await;
    // The first holds the tenth try of the device; whether it closes the lane is open.
    let second = world.stranger().device(&device).login("alice@example.com", PASSWORD).await;
    assert_eq!(second.status(), 200, "{}", second.text);
    world.stack().faults().release();
    assert_eq!(first.await.expect("no panic").status(), 200);
}

#[tokio::test]
async fn a_device_closed_by_somebody_faster_goes_by_everybodys_lane() {
    let (world, device) = world_and_device().await;
    nine_failures(&world, &device).await;
    world.fault(Fault::always(Mode::Hold).operation("PutItem").item(&lane_of(&device)).times(1));
    let slow = world.stranger().device(&device);
    let slow = tokio::spawn(async move { slow.login("alice@example.com", PASSWORD).await });
    world.held(1).await;
    assert_eq!(world.stranger().device(&device).login("alice@example.com", "wrong").await.status(), 401);
    world.stack().faults().release();
    assert_eq!(slow.await.expect("no panic").status(), 200);
}

#[tokio::test]
async fn a21_what_strangers_can_heat_never_fails_a_known_device() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let device = world.actor("192.0.2.1").login("alice@example.com", PASSWORD).await.cookie("__Host-device");
    let common = world.lane().await["counter"].as_str().expect("a key").to_owned();
    let window = world.counter("ip#").await.expect("a window")["counter"].as_str().expect("a key").to_owned();
    for (item, has_limits) in [(&common, true), (&window, false)] {
        world.fault(Fault::always(Mode::Throttle).item(item));
        let stranger = world.actor("192.0.2.1").login("alice@example.com", PASSWORD).await;
        assert_eq!(stranger.status(), 503, "it decides for strangers");
        let owner = world.actor("192.0.2.1").device(&device);
        let reply = owner.login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.status(), 200, "{item}: {}", reply.text);
        assert_eq!(owner.event_names()[0], "dependency_failed", "{item}");
        assert_eq!(reply.headers.contains_key("x-ratelimit-limit"), has_limits, "{item}");
        world.stack().faults().clear();
    }
}

#[tokio::test]
async fn d01_a_closed_device_whose_address_cannot_be_counted_is_503_without_a_hash() {
    let (world, device) = world_and_device().await;
    nine_failures(&world, &device).await;
    assert_eq!(world.stranger().device(&device).login("alice@example.com", "wrong").await.status(), 401);
    world.advance(60);
    world.fault(Fault::always(Mode::Throttle).table("counters").operation("UpdateItem"));
    let hashes = world.hashes();
    assert_eq!(world.stranger().device(&device).login("alice@example.com", PASSWORD).await.status(), 503);
    assert_eq!(world.hashes(), hashes);
}

#[tokio::test]
async fn a26_a_place_that_was_never_taken_is_not_given_back() {
    let (world, device) = world_and_device().await;
    let client = world.actor("192.0.2.7");
    client.login("alice@example.com", "wrong").await;
    let key = world
        .items("counters")
        .await
        .into_iter()
        .find(|item| item["counter"].as_str().is_some_and(|key| key.starts_with("ip#192.0.2.7")));
    let key = key.expect("a window")["counter"].as_str().expect("a key").to_owned();
    world.edit("counters", &[("counter", &key)], "requests", Some(acceptance::Edit::S("abc".into()))).await;
    assert_eq!(client.device(&device).login("alice@example.com", PASSWORD).await.status(), 200);
    let window = world.counter(&key).await.expect("a window");
    assert_eq!(window["failures_0"], "1", "the real failure still counts");
}

#[tokio::test]
async fn a_device_lane_is_kept_as_long_as_the_device_could_be_known() {
    let (world, device) = world_and_device().await;
    world.stranger().device(&device).login("alice@example.com", "wrong").await;
    let now = world.stack().clock().expect("manual").now().seconds();
    let lane =
        world.items("counters").await.into_iter().find(|item| item["counter"].as_str().is_some_and(|key| key.contains("#device#")));
    let expires_at: i64 = lane.expect("a lane")["expires_at"].as_str().expect("a number").parse().expect("a number");
    assert!((90 * 86_400..91 * 86_400).contains(&(expires_at - now)), "{}", expires_at - now);
}

#[tokio::test]
async fn a_device_token_of_a_name_nobody_has_is_worth_nothing() {
    let (world, device) = world_and_device().await;
    world.stranger().login("nobody@example.com", "wrong").await;
    assert_eq!(world.stranger().device(&device).login("nobody@example.com", "wrong").await.reason(), "login_delay");
}

#[tokio::test]
async fn a21_a_cookie_outside_ascii_hides_no_device() {
    let world = World::builder().rest().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let device = world.stranger().login("alice@example.com", PASSWORD).await.cookie("__Host-device");
    world.stranger().login("alice@example.com", "wrong").await;
    let owner = world.stranger().header("cookie", &format!("x=\u{e9}; __Host-device={device}"));
    assert_eq!(owner.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a_device_whose_lane_is_closed_is_refused_by_its_address_like_anybody() {
    let (world, device) = world_and_device().await;
    let thief = world.actor("203.0.113.66").device(&device);
    let mut tried = 0;
    for _ in 0..40 {
        tried += usize::from(thief.login("alice@example.com", "wrong").await.status() == 401);
        world.advance(60);
    }
    assert!(tried < 30, "{tried} of 40 reached the hash");
    assert_eq!(thief.login("alice@example.com", "wrong").await.status(), 429);
}

#[tokio::test]
async fn a_lane_nobody_failed_on_still_ages() {
    let (world, _) = world_and_device().await;
    let now = world.stack().clock().expect("manual").now().seconds();
    let expires_at: i64 = world.lane().await["expires_at"].as_str().expect("a number").parse().expect("a number");
    assert!(expires_at > now);
}
