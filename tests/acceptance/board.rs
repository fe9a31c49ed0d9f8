//! The operators' board in a real browser. Run with `cargo test -- --ignored browser` where `chromedriver` and Chromium are installed.

use acceptance::{Browser, World};
use palisade_local::NewAccount;
use serde_json::json;

const PASSWORD: &str = "correct-Horse-7-battery";
const OWNER: &str = "alice@example.com";
const OPERATOR: &str = "operator@example.com";

/// A world where somebody guessed ten times at an account, and its one incident.
async fn world() -> (World, String) {
    let world = World::start().await;
    world.account(OWNER, PASSWORD).await;
    let (role, password) = (Some("staff".to_owned()), Some(PASSWORD.to_owned()));
    world.make(NewAccount { identifier: OPERATOR.into(), password, role, ..NewAccount::default() }).await;
    for _ in 0..10 {
        assert_eq!(world.stranger().login(OWNER, "wrong").await.status(), 401);
        world.advance(61);
    }
    assert_eq!(world.items("incidents").await.len(), 1);
    let id = incident(&world, "brute_force").await;
    (world, id)
}

/// The id of the first incident of `kind`.
async fn incident(world: &World, kind: &str) -> String {
    let incidents = world.items("incidents").await;
    let found = incidents.iter().find(|incident| incident["type"] == kind).expect("an incident");
    found["incident_id"].as_str().expect("an id").to_owned()
}

async fn sign_in(browser: &Browser, identifier: &str) {
    browser.wait_for("#sign-in", "Sign in").await;
    browser.fill("#identifier", identifier).await;
    browser.fill("#password", PASSWORD).await;
    browser.click("#do-sign-in").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromedriver and Chromium"]
async fn browser_shows_the_operator_an_incident_takes_a_note_and_resolves_it() {
    let (world, id) = world().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/board", world.stack().gateway())).await;
    sign_in(&browser, OPERATOR).await;
    let listed = browser.wait_for("#list", "brute force").await;
    assert!(listed.contains("high") && listed.contains("open"), "{listed}");
    browser.wait_for("#list-note", "1 incident.").await;
    assert_eq!(browser.evaluate("document.cookie").await, "", "no script reads the session");

    browser.click("#list a").await;
    browser.wait_for("#detail-title", "brute force, open").await;
    assert_eq!(browser.evaluate("location.hash").await, json!(format!("#{id}")));
    browser.fill("#action-note", "Asked <b>the owner</b>: not her.").await;
    browser.click("#do-note").await;
    browser.wait_for("#timeline", "Asked <b>the owner</b>: not her.").await;
    browser.fill("#action-resolution", "Her password is new.").await;
    browser.click("#do-resolve").await;
    browser.wait_for("#detail-title", "brute force, resolved").await;
    assert_eq!(browser.text("#detail-status").await, "resolved");
    assert_eq!(browser.text("#detail-resolution").await, "Her password is new.");
    assert!(browser.text("#list").await.contains("resolved"), "the list says so as well");
    assert_eq!(world.items("incidents").await[0]["status"], "resolved");

    browser.click("#reload").await;
    browser.wait_for("#list-note", "Nothing is open.").await;
    browser.click("#sign-out").await;
    browser.wait_for("#status-line", "Signed out.").await;
    assert_eq!(browser.text("#board").await, "");
    sign_in(&browser, OWNER).await;
    browser.wait_for("#refused", "may not see incidents").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromedriver and Chromium"]
async fn browser_follows_an_alerts_link_tells_who_was_slower_and_ends_sessions_once_the_password_is_given_again() {
    let (world, _) = world().await;
    let intruder = world.stranger().login(OWNER, PASSWORD).await.session();
    let id = incident(&world, "anomalous_login").await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/board#{id}", world.stack().gateway())).await;
    sign_in(&browser, OPERATOR).await;
    browser.wait_for("#detail-title", "anomalous login, open").await;

    let other = world.stranger().login(OPERATOR, PASSWORD).await.session();
    let version = other.get(&format!("/incidents/{id}")).await.json()["version"].clone();
    let noted = other.post(&format!("/incidents/{id}/note"), &json!({ "version": version, "note": "I have it." })).await;
    assert_eq!(noted.status(), 200, "{}", noted.text);
    browser.fill("#action-note", "So do I.").await;
    browser.click("#do-note").await;
    browser.wait_for("#problem", "Somebody was faster.").await;
    browser.wait_for("#timeline", "I have it.").await;
    assert_eq!(browser.evaluate("document.getElementById('action-note').value").await, "So do I.", "nothing typed is lost");
    browser.click("#do-note").await;
    browser.wait_for("#timeline", "So do I.").await;

    world.advance(1_000);
    assert_eq!(intruder.get("/session").await.status(), 200);
    browser.click("#contain-end_sessions").await;
    browser.wait_for("#confirm", "Ends every session of the account").await;
    browser.click("#confirm-yes").await;
    browser.wait_for("#reauth", "Your password again").await;
    browser.fill("#reauth-password", PASSWORD).await;
    browser.click("#do-reauth").await;
    browser.wait_for("#status-line", "All sessions have ended.").await;
    browser.wait_for("#timeline", "end sessions").await;
    assert_eq!(intruder.get("/session").await.status(), 401);
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromedriver and Chromium"]
async fn browser_works_on_incidents_with_the_keyboard_alone_and_on_a_telephone() {
    let (world, _) = world().await;
    let browser = Browser::start().await;
    browser.resize(360, 640).await;
    browser.open(&format!("{}/board", world.stack().gateway())).await;
    sign_in(&browser, OPERATOR).await;
    browser.wait_for("#list", "brute force").await;
    let fits = "document.documentElement.scrollWidth <= window.innerWidth";
    assert_eq!((browser.evaluate("window.innerWidth").await, browser.evaluate(fits).await), (json!(360), json!(true)), "the list");
    browser.press("j").await;
    assert_eq!(browser.evaluate("document.activeElement.closest('#list') !== null").await, true, "j goes to the list");
    browser.press("\u{e007}").await;
    browser.wait_for("#detail-title", "brute force, open").await;
    assert_eq!(browser.evaluate(fits).await, true, "the detail");
    let hit = "[...document.querySelectorAll('button, select, input, textarea')].filter(e => e.offsetParent && !e.labels?.length && !e.textContent.trim() && !e.ariaLabel).length";
    assert_eq!(browser.evaluate(hit).await, 0, "every control says what it is");
    browser.press("\u{e00c}").await;
    assert_eq!(browser.evaluate("document.activeElement.closest('#list') !== null").await, true, "Escape goes back to the list");
    assert_eq!(browser.evaluate("location.hash").await, "");
    assert_eq!(browser.complaints().await, [""; 0]);
}
