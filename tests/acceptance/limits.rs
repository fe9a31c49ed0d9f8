//! The limits of one address (r33 to r36, r38 to r41).

use acceptance::World;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";

async fn seed() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

#[tokio::test]
async fn r33_an_allowlisted_network_is_not_refused_by_the_limits_per_address() {
    let world = World::builder().setting("PALISADE_IP_ALLOWLIST", "198.51.100.0/24, 2001:db8::/32").start().await;
    world.account("alice@example.com", PASSWORD).await;
    let office = world.actor("198.51.100.7");
    for _ in 0..25 {
        assert_eq!(office.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    assert!(office.event_names().contains(&"rate_limit_exempted".to_owned()));
}

#[tokio::test]
async fn a28_guessing_from_an_allowlisted_address_is_delayed_as_for_anyone() {
    let world = World::builder().setting("PALISADE_IP_ALLOWLIST", "198.51.100.7").start().await;
    world.account("alice@example.com", PASSWORD).await;
    let office = world.actor("198.51.100.7");
    assert_eq!(office.login("alice@example.com", "wrong").await.status(), 401);
    assert_eq!(office.login("alice@example.com", PASSWORD).await.reason(), "login_delay");
}

#[tokio::test]
async fn a28_only_the_resolved_address_is_looked_up_in_the_allowlist() {
    let world = World::builder().setting("PALISADE_IP_ALLOWLIST", "198.51.100.7").start().await;
    world.account("alice@example.com", PASSWORD).await;
    let liar = world.stranger().header("x-forwarded-for", "198.51.100.7");
    for _ in 0..20 {
        assert_eq!(liar.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    assert_eq!(liar.login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
}

#[tokio::test]
async fn r34_the_global_limit_counts_every_attempt() {
    let world = World::builder().setting("PALISADE_REQUESTS_PER_IP", 3).setting("PALISADE_POLICY", "nist").start().await;
    world.account("alice@example.com", PASSWORD).await;
    let client = world.stranger();
    for _ in 0..3 {
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    let refused = client.login("alice@example.com", PASSWORD).await;
    assert_eq!((refused.status(), refused.reason().as_str()), (429, "global_rate_limit"));
    world.advance(refused.retry_after());
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn r35_the_sixth_failure_of_a_quarter_is_refused_without_a_hash_and_successes_give_their_place_back() {
    let world = seed().await;
    let client = world.stranger();
    for _ in 0..10 {
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200, "successes do not count");
    }
    for n in 0..5 {
        assert_eq!(client.login(&format!("name-{n}@example.com"), "wrong").await.status(), 401);
    }
    let hashes = world.hashes();
    let refused = client.login("alice@example.com", PASSWORD).await;
    assert_eq!((refused.status(), refused.reason().as_str(), refused.retry_after()), (429, "failed_logins", 900));
    assert_eq!(world.hashes(), hashes);
    world.advance(900);
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn r35_a_try_that_the_delay_refused_gives_its_place_back() {
    let world = seed().await;
    world.stranger().login("alice@example.com", "wrong").await;
    let client = world.stranger();
    for _ in 0..10 {
        assert_eq!(client.login("alice@example.com", "wrong").await.reason(), "login_delay");
    }
    world.advance(1);
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a27_the_twenty_first_person_of_an_office_is_refused_in_seed_with_a_true_retry_after() {
    let world = seed().await;
    let office = world.actor("198.51.100.1");
    for n in 0..20 {
        let name = format!("person-{n}@example.com");
        world.account(&name, PASSWORD).await;
        assert_eq!(office.login(&name, PASSWORD).await.status(), 200);
    }
    world.advance(600);
    let refused = office.login("alice@example.com", PASSWORD).await;
    assert_eq!((refused.reason().as_str(), refused.retry_after()), ("auth_rate_limit", 3_000));
    world.advance(3_000);
    assert_eq!(office.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn r36_sign_in_requests_of_an_address_are_limited_by_the_hour() {
    let world = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 2).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let client = world.stranger();
    for _ in 0..2 {
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    assert_eq!(client.login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
    world.advance(3_600);
    assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a27_five_hundred_people_behind_one_address_are_all_let_in_under_nist() {
    let world = World::builder().nist().start().await;
    let office = world.actor("198.51.100.1");
    for n in 0..500 {
        let name = format!("person-{n}@example.com");
        world.account(&name, PASSWORD).await;
        if n % 25 == 0 {
            assert_eq!(office.login(&name, "typo").await.status(), 401);
            world.advance(2);
        }
        assert_eq!(office.login(&name, PASSWORD).await.status(), 200, "person {n}");
    }
    let enumerations = office.event_names().into_iter().filter(|name| name == "username_enumeration").count();
    assert_eq!(enumerations, 1, "told once in the window");
    let incidents = world.items("incidents").await;
    let kinds: Vec<_> = incidents.iter().map(|incident| (&incident["type"], &incident["severity"])).collect();
    assert_eq!(kinds, [(&json!("username_enumeration"), &json!("low"))], "and nobody's login is taken for an attack");
}

#[tokio::test]
async fn a17_a_new_forwarded_address_on_every_request_changes_nothing() {
    let world = seed().await;
    for n in 0..20 {
        let client = world.actor("198.51.100.1").header("x-forwarded-for", &format!("203.0.113.{n}"));
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    let client = world.actor("198.51.100.1").header("x-forwarded-for", "203.0.113.99");
    assert_eq!(client.login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
}

#[tokio::test]
async fn r38_behind_a_trusted_proxy_the_address_is_read_from_the_right() {
    let world = World::builder().setting("PALISADE_TRUSTED_PROXIES", "10.0.0.0/8").start().await;
    world.account("alice@example.com", PASSWORD).await;
    for n in 0..20 {
        let client = world.actor("10.0.0.1").header("x-forwarded-for", &format!("198.51.100.{n}, 203.0.113.9, 10.0.0.2"));
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    let same = world.actor("10.0.0.1").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(same.login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
    let other = world.actor("10.0.0.1").header("x-forwarded-for", "203.0.113.10");
    assert_eq!(other.login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a18_junk_in_forwarded_headers_falls_back_to_the_source() {
    let world = World::builder().setting("PALISADE_TRUSTED_PROXIES", "10.0.0.0/8").start().await;
    world.account("alice@example.com", PASSWORD).await;
    // Characters outside ASCII on the left take nothing away from what the proxy added on the right.
    let sly = world.actor("10.0.0.1").header("x-forwarded-for", "\u{e9}, 203.0.113.78");
    assert_eq!(sly.login("alice@example.com", PASSWORD).await.status(), 200);
    assert!(world.counter("ip#203.0.113.78#").await.is_some());
    let many = vec!["10.0.0.2"; 1_000].join(", ");
    for junk in ["", ",", "unknown", "[::1", "203.0.113.9:99999", &many] {
        let client = world.actor("10.0.0.1").header("x-forwarded-for", junk);
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200, "{junk:.40}");
    }
    assert!(world.counter("ip#10.0.0.1#").await.is_some(), "junk is counted under the source");
}

#[tokio::test]
async fn a19_a_cloudfront_viewer_address_is_ignored() {
    let world = seed().await;
    for n in 0..20 {
        let client = world.actor("198.51.100.1").header("cloudfront-viewer-address", &format!("203.0.113.{n}:443"));
        client.login("alice@example.com", PASSWORD).await;
    }
    let client = world.actor("198.51.100.1").header("cloudfront-viewer-address", "203.0.113.99:443");
    assert_eq!(client.login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
}

#[tokio::test]
async fn a15_addresses_of_one_ipv6_64_share_a_bucket() {
    let world = seed().await;
    for n in 0..20 {
        let client = world.actor(&format!("2001:db8:1:2::{n:x}"));
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
    }
    assert_eq!(world.actor("2001:db8:1:2:ffff::1").login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
    assert_eq!(world.actor("2001:db8:1:3::1").login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn r39_every_answer_of_the_route_tells_the_tightest_limit() {
    let world = seed().await;
    let client = world.stranger();
    let told = |reply: &acceptance::Reply| {
        ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| reply.header(name).to_owned())
    };
    let fine = client.login("alice@example.com", PASSWORD).await;
    assert_eq!(told(&fine), ["5", "5", "1999998900"], "the failure's place was given back");
    let failed = client.login("alice@example.com", "wrong").await;
    assert_eq!(told(&failed), ["5", "4", "1999998900"]);
    let delayed = client.login("alice@example.com", "wrong").await;
    assert_eq!(told(&delayed), ["5", "4", "1999998900"]);
    for _ in 0..17 {
        client.login("alice@example.com", "wrong").await;
    }
    let refused = client.login("alice@example.com", "wrong").await;
    assert_eq!(told(&refused), ["20", "0", "2000001600"]);
    assert_eq!(refused.header("retry-after"), "3600");
}

#[tokio::test]
async fn r40_a_429_is_json_or_text_by_accept() {
    let world = seed().await;
    world.stranger().login("alice@example.com", "wrong").await;
    let json = world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(json.header("content-type"), "application/problem+json");
    assert_eq!(json.json()["error"], "Too Many Requests");
    let browser = world.stranger().header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let text = browser.login("alice@example.com", "wrong").await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(text.text, "429 rate_limited (login_delay): try again in 1 s\n");
}

#[tokio::test]
async fn r43_each_event_is_one_json_line_of_one_of_two_loggers_at_its_level() {
    let world = seed().await;
    let client = world.stranger();
    for password in [PASSWORD, "wrong", "wrong"] {
        client.login("alice@example.com", password).await;
    }
    let told: Vec<_> =
        client.events().iter().map(|line| [&line["event"], &line["target"], &line["level"]].map(Value::clone)).collect();
    let expected = [
        ["authn_login_success", "auth_audit", "INFO"],
        ["session_created", "auth_audit", "INFO"],
        ["authn_login_fail", "auth_audit", "WARN"],
        ["excess_rate_limit_exceeded", "security", "WARN"],
    ];
    assert_eq!(json!(told), json!(expected));
}

#[tokio::test]
async fn r41_a_violation_is_one_line_with_everything() {
    let world = seed().await;
    world.stranger().login("alice@example.com", "wrong").await;
    let client = world.actor("198.51.100.9");
    client.login("alice@example.com", "wrong").await;
    let events = client.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["event"], "excess_rate_limit_exceeded");
    assert_eq!((&event["target"], &event["level"], &event["severity"]), (&json!("security"), &json!("WARN"), &json!("warning")));
    assert_eq!((&event["reason"], &event["ip"]), (&json!("login_delay"), &json!("198.51.100.9")));
    assert_eq!((&event["method"], &event["path"]), (&json!("POST"), &json!("/login")));
    for field in ["timestamp", "request_id", "account", "user_agent"] {
        assert!(event[field].is_string(), "{field}");
    }
}

#[tokio::test]
async fn a06_the_eleventh_name_of_a_spray_is_told_once_and_nobody_is_delayed_by_refused_tries() {
    let world = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000).start().await;
    world.account("name-400@example.com", PASSWORD).await;
    let sprayer = world.stranger();
    let mut tried = 0;
    for n in 0..500 {
        tried += usize::from(sprayer.login(&format!("name-{n}@example.com"), "wrong").await.status() == 401);
        if [9, 10, 499].contains(&n) {
            let told = sprayer.event_names().iter().filter(|name| *name == "username_enumeration").count();
            assert_eq!(told, usize::from(n >= 10), "after {} names", n + 1);
        }
    }
    assert_eq!(tried, 5, "the address is refused after its failures");
    let incidents = world.items("incidents").await;
    let named = |kind: &str| incidents.iter().filter(|incident| incident["type"] == kind).count();
    assert_eq!((named("username_enumeration"), named("brute_force")), (1, 1), "{incidents:?}");
    let window = world.counter("ip#").await.expect("a window");
    assert_eq!(window["names"].as_array().map(Vec::len), Some(11));
    assert_eq!(world.stranger().login("name-400@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_of_one_address_never_exceed_its_limit_however_many_start_at_once() {
    let world = seed().await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..100 {
        let client = world.actor("198.51.100.1");
        running.spawn(async move { client.login(&format!("name-{n}@example.com"), "wrong").await.status() });
    }
    let tried = running.join_all().await.into_iter().filter(|status| *status == 401).count();
    assert!((1..=5).contains(&tried) && world.hashes() <= 5, "{tried} tried, {} hashes", world.hashes());
}
