//! `POST /breach-check`, and the breach service behind every new password.

use acceptance::{Reply, World};
use palisade_local::{Fault, Mode};
use serde_json::json;

const OLD: &str = "correct-Horse-7-battery";
const NEW: &str = "Violet-Kettle-9-harbour";
/// A line of another password.
const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65:3";

async fn check(world: &World, password: &str) -> Reply {
    world.stranger().post("/breach-check", &json!({ "password": password })).await
}

async fn change(world: &World) -> Reply {
    let owner = world.stranger();
    let login = owner.login("alice@example.com", OLD).await;
    assert_eq!(login.status(), 200, "{}", login.text);
    login.session().post("/password/change", &json!({ "current_password": OLD, "new_password": NEW })).await
}

async fn with_account(refuse: bool) -> World {
    let world = World::builder()
        .setting("PALISADE_BREACH_UNAVAILABLE", if refuse { "refuse" } else { "allow" })
        .setting("PALISADE_HIBP_TIMEOUT_MS", 200)
        .start()
        .await;
    world.account("alice@example.com", OLD).await;
    world
}

/// The suffix of [`NEW`], found by asking for its range.
async fn suffix_of_new(world: &World) -> String {
    use sha1::{Digest, Sha1};
    let hex = Sha1::digest(NEW.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"));
    check(world, NEW).await;
    assert_eq!(world.stack().hibp().asked().last().expect("a request").prefix, hex[..5]);
    hex[5..].to_owned()
}

#[tokio::test]
async fn r20_a_password_is_looked_up_on_its_own_at_the_price_of_one_write() {
    let world = World::start().await;
    assert_eq!(check(&world, NEW).await.json(), json!({ "verdict": "clean", "count": 0, "blocked": false }));
    let listed = check(&world, "password").await.json();
    assert_eq!(listed["verdict"], "breached");
    assert!(listed["count"].as_u64().expect("a count") > 0);
    let entry = world.last_entry();
    assert_eq!((entry.depth, entry.write_units(), entry.read_units(), entry.hashes), (1, 1.0, 0.0, 0));
}

#[tokio::test]
async fn r19_the_thresholds_block_warn_and_pass() {
    for (nist, count, blocked) in
        [(false, 1, false), (false, 10, false), (false, 11, false), (false, 100, false), (false, 101, true), (true, 1, true)]
    {
        let builder = World::builder();
        let world = if nist { builder.nist() } else { builder }.start().await;
        let suffix = suffix_of_new(&world).await;
        world.advance(3_600);
        world.stack().hibp().answer_with(format!("{OTHER}\r\n{suffix}:{count}\r\n"));
        let reply = check(&world, NEW).await;
        assert_eq!(reply.json(), json!({ "verdict": "breached", "count": count, "blocked": blocked }), "{count}");
        let client = world.stranger();
        let sign_up = client.post("/signup", &json!({ "email": "a@example.com", "password": NEW })).await;
        assert_eq!(sign_up.status(), if blocked { 422 } else { 202 }, "{count}");
        assert_eq!(client.event_names().contains(&"breached_password".to_owned()), count > 10 || nist, "{count}");
    }
}

#[tokio::test]
async fn b08_an_odd_count_is_refused_in_both_profiles() {
    for count in ["-1", "text", &"9".repeat(49)] {
        let world = World::start().await;
        let suffix = suffix_of_new(&world).await;
        world.advance(3_600);
        world.stack().hibp().answer_with(format!("{OTHER}\r\n{suffix}:{count}\r\n"));
        let reply = check(&world, NEW).await.json();
        assert_eq!((&reply["verdict"], &reply["blocked"]), (&json!("breached"), &json!(true)), "{count}");
    }
}

#[tokio::test]
async fn sixty_an_hour_and_address() {
    let world = World::start().await;
    let client = world.stranger();
    for _ in 0..60 {
        assert_eq!(client.post("/breach-check", &json!({ "password": "x" })).await.status(), 200);
    }
    let reply = client.post("/breach-check", &json!({ "password": "x" })).await;
    assert_eq!((reply.status(), reply.reason().as_str()), (429, "breach_check_limit"));
    assert!(reply.retry_after() >= 1);
}

#[tokio::test]
async fn b14_five_digits_leave_with_the_padding_header_and_nothing_else() {
    let world = World::start().await;
    check(&world, "password").await;
    let asked = world.stack().hibp().asked();
    assert_eq!((asked.len(), asked[0].prefix.as_str()), (1, "5BAA6"));
    let headers = &asked[0].headers;
    assert_eq!(headers["add-padding"], "true");
    assert!(headers["user-agent"].to_str().expect("text").starts_with("Palisade/"));
    let mut names: Vec<&str> = headers.keys().map(reqwest::header::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "add-padding", "host", "user-agent"]);
}

/// What makes the service's answer worth nothing.
fn faults() -> [Mode; 9] {
    [
        Mode::Timeout,
        Mode::Error,
        Mode::Throttle,
        Mode::Malformed,
        Mode::LostReply,
        Mode::Status(404),
        Mode::Status(403),
        Mode::Status(204),
        Mode::Status(503),
    ]
}

#[tokio::test]
async fn b03_b04_an_answer_that_is_worth_nothing_lets_a_change_pass_and_flags_the_account() {
    for mode in faults() {
        let world = with_account(false).await;
        world.stack().hibp().inject(Fault::always(mode));
        assert_eq!(check(&world, NEW).await.json()["verdict"], "unknown", "{mode:?}");
        let reply = change(&world).await;
        assert_eq!(reply.status(), 200, "{mode:?} {}", reply.text);
        assert_eq!(world.items("accounts").await[0]["breach_unchecked"], true, "{mode:?}");
    }
}

#[tokio::test]
async fn b04_with_refuse_it_is_503_and_nothing_changes() {
    for mode in faults() {
        let world = with_account(true).await;
        world.stack().hibp().inject(Fault::always(mode));
        assert_eq!(check(&world, NEW).await.json(), json!({ "verdict": "unknown", "count": null, "blocked": true }));
        let reply = change(&world).await;
        assert_eq!((reply.status(), reply.code().as_str()), (503, "unavailable"), "{mode:?}");
        assert!(world.items("history").await.is_empty() && world.notices().await.is_empty());
        assert_eq!(world.stranger().login("alice@example.com", OLD).await.status(), 200, "the try was a success all the same");
        let client = world.stranger();
        let sign_up = client.post("/signup", &json!({ "email": "b@example.com", "password": NEW })).await;
        assert_eq!(sign_up.status(), 503, "{mode:?}");
    }
}

#[tokio::test]
async fn b01_a_service_that_refuses_connections_or_has_no_name_is_unknown() {
    for url in ["http://127.0.0.1:1", "https://127.0.0.1:1", "https://nowhere.invalid"] {
        let world = World::builder().breach_service(url).setting("PALISADE_HIBP_TIMEOUT_MS", 500).start().await;
        assert_eq!(check(&world, NEW).await.json()["verdict"], "unknown", "{url}");
    }
}

#[tokio::test]
async fn b04_at_most_one_repetition_and_after_five_failures_nothing_is_asked_for_half_a_minute() {
    let world = World::start().await;
    world.stack().hibp().inject(Fault::always(Mode::Error));
    for n in 1..=5 {
        check(&world, NEW).await;
        assert_eq!(world.stack().hibp().asked().len(), 2 * n);
    }
    for _ in 0..10 {
        assert_eq!(check(&world, NEW).await.json()["verdict"], "unknown");
    }
    assert_eq!(world.stack().hibp().asked().len(), 10, "the breaker is open");
    world.stack().hibp().clear();
    world.advance(30);
    assert_eq!(check(&world, NEW).await.json()["verdict"], "clean");
    world.stack().hibp().inject(Fault::always(Mode::Throttle));
    check(&world, "another").await;
    assert_eq!(world.stack().hibp().asked().len(), 12, "a 429 is not repeated, and the count began again");
}

#[tokio::test]
async fn b12_reading_stops_at_half_a_mebibyte() {
    let world = World::start().await;
    let suffix = suffix_of_new(&world).await;
    world.advance(3_600);
    let large = format!("{}{suffix}:7\r\n", format!("{OTHER}\r\n").repeat(20_000));
    world.stack().hibp().answer_with(large);
    assert_eq!(check(&world, NEW).await.json()["verdict"], "unknown");
}

#[tokio::test]
async fn b13_a_redirect_is_not_followed() {
    let world = World::start().await;
    for status in [301, 302, 307, 308] {
        world.stack().hibp().inject(Fault::always(Mode::Status(status)).times(1));
        assert_eq!(check(&world, NEW).await.json()["verdict"], "unknown", "{status}");
    }
    let asked = world.stack().hibp().asked();
    assert!(asked.len() == 4 && asked.iter().all(|asked| asked.prefix != "elsewhere"), "{asked:?}");
}

#[tokio::test]
async fn b17_ranges_are_remembered_for_an_hour_and_at_most_sixteen() {
    let world = World::start().await;
    for _ in 0..3 {
        check(&world, "password").await;
    }
    assert_eq!(world.stack().hibp().asked().len(), 1);
    world.advance(3_600);
    check(&world, "password").await;
    assert_eq!(world.stack().hibp().asked().len(), 2, "an hour old");
    for n in 0..16 {
        check(&world, &format!("other-{n}")).await;
    }
    check(&world, "password").await;
    assert_eq!(world.stack().hibp().asked().len(), 19, "the oldest was forgotten");
}

#[tokio::test]
async fn b18_an_account_flagged_in_an_outage_is_asked_about_at_its_next_login() {
    let world = with_account(false).await;
    world.stack().hibp().inject(Fault::always(Mode::Error));
    assert_eq!(change(&world).await.status(), 200);
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.json()["password_change_required"], false, "still unknown");
    assert_eq!(world.items("accounts").await[0]["breach_unchecked"], true);
    world.stack().hibp().clear();
    world.advance(60);
    assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
    world.advance(1);
    let asked = world.stack().hibp().asked().len();
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.json()["password_change_required"], false);
    assert_eq!(world.stack().hibp().asked().len(), asked + 1, "a wrong password is not asked about");
    let entry = world.last_entry();
    assert_eq!((entry.depth, entry.hashes, entry.write_units()), (3, 1, 7.0), "one write more");
    assert!(!world.items("accounts").await[0].contains_key("breach_unchecked"));
    world.stranger().login("alice@example.com", NEW).await;
    assert_eq!(world.stack().hibp().asked().len(), asked + 1, "asked once");
}

#[tokio::test]
async fn b18_a_flagged_password_that_turns_out_breached_limits_the_session_to_changing_it() {
    let world = with_account(false).await;
    let suffix = suffix_of_new(&world).await;
    world.advance(3_600);
    world.stack().hibp().inject(Fault::always(Mode::Error));
    assert_eq!(change(&world).await.status(), 200);
    world.stack().hibp().clear();
    world.stack().hibp().answer_with(format!("{OTHER}\r\n{suffix}:4711\r\n"));
    world.advance(60);
    for _ in 0..2 {
        let client = world.stranger();
        assert_eq!(client.login("alice@example.com", NEW).await.json()["password_change_required"], true);
        let incidents = world.items("incidents").await;
        let kinds: Vec<&str> = incidents.iter().filter_map(|item| item["type"].as_str()).collect();
        assert!(kinds.contains(&"breached_password"), "operators are told: {kinds:?}");
    }
    assert_eq!(world.items("accounts").await[0]["must_change"], "breached");
}

#[tokio::test]
async fn b15_no_form_of_a_password_is_logged_and_the_prefix_never_beside_an_account() {
    use sha1::{Digest, Sha1};
    let world = World::builder().setting("PALISADE_LOG", "trace").start().await;
    world.account("alice@example.com", OLD).await;
    let owner = world.stranger().login("alice@example.com", OLD).await.session();
    let canary = "Canary-Breach-4711-fake";
    let body = json!({ "current_password": OLD, "new_password": canary });
    assert_eq!(owner.post("/password/change", &body).await.status(), 200);
    check(&world, canary).await;
    let hex = Sha1::digest(canary.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"));
    assert_eq!(world.stack().hibp().asked()[0].prefix, hex[..5]);
    let log = acceptance::log::text();
    for secret in [canary, &hex, &hex.to_lowercase(), &hex[5..], &hex[5..].to_lowercase()] {
        assert!(!log.contains(secret), "{secret}");
    }
    for event in owner.events() {
        assert!(!event.to_string().contains(&hex[..5]), "{event}");
    }
}

#[tokio::test]
async fn i02_a_password_that_is_no_text_is_400_and_costs_nothing() {
    let world = World::start().await;
    for body in
        [json!({ "password": 1 }), json!({}), json!({ "password": "x", "user": "y" }), json!({ "password": "a".repeat(1_025) })]
    {
        assert_eq!(world.stranger().post("/breach-check", &body).await.status(), 400, "{body}");
        assert!(world.last_entry().calls.is_empty());
    }
    assert!(world.stack().hibp().asked().is_empty());
}

#[tokio::test]
async fn b18_a_breach_that_cannot_be_kept_lets_nobody_in() {
    let world = with_account(false).await;
    let suffix = suffix_of_new(&world).await;
    world.advance(3_600);
    world.stack().hibp().inject(Fault::always(Mode::Error));
    assert_eq!(change(&world).await.status(), 200);
    world.stack().hibp().clear();
    world.stack().hibp().answer_with(format!("{OTHER}\r\n{suffix}:4711\r\n"));
    world.advance(60);
    world.fault(Fault::always(Mode::Error).table("accounts").operation("UpdateItem"));
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 503, "the session would not be limited");
    world.stack().faults().clear();
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.json()["password_change_required"], true);
}

#[tokio::test]
async fn e05_the_service_is_not_asked_about_a_disabled_account() {
    let world = with_account(false).await;
    world.stack().hibp().inject(Fault::always(Mode::Error));
    assert_eq!(change(&world).await.status(), 200);
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "status", Some(acceptance::Edit::S("disabled".into()))).await;
    world.stack().hibp().clear();
    world.advance(60);
    let asked = world.stack().hibp().asked().len();
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 401);
    assert_eq!(world.stack().hibp().asked().len(), asked);
}

#[tokio::test]
async fn p27_a_common_password_is_422_whatever_the_network_does_and_whatever_the_setting_says() {
    for refuse in [false, true] {
        let world = with_account(refuse).await;
        world.stack().hibp().inject(Fault::always(Mode::Error));
        let reply = world.stranger().post("/signup", &json!({ "email": "b@example.com", "password": "1qaz2wsx3edc" })).await;
        assert_eq!(reply.status(), 422, "{}", reply.text);
        assert!(reply.json()["errors"].as_array().expect("errors").iter().any(|error| error["code"] == "too_common"));
    }
}

#[tokio::test]
async fn b01_a_service_that_cannot_be_reached_flags_the_change_or_refuses_it() {
    for (refuse, status) in [("allow", 200), ("refuse", 503)] {
        let world = World::builder()
            .breach_service("https://127.0.0.1:1")
            .setting("PALISADE_BREACH_UNAVAILABLE", refuse)
            .setting("PALISADE_HIBP_TIMEOUT_MS", 300)
            .start()
            .await;
        world.account("alice@example.com", OLD).await;
        assert_eq!(change(&world).await.status(), status, "{refuse}");
        let flagged = world.items("accounts").await[0].contains_key("breach_unchecked");
        assert_eq!(flagged, status == 200);
    }
}
