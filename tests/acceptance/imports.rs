//! Accounts that came from Django: their old password signs in, and becomes Argon2id at today's cost.

use acceptance::World;
use palisade_local::{Fault, Mode};
use serde_json::{Value, json};

/// Of each algorithm a hash that Django made, and its password.
fn imported() -> Vec<(String, String)> {
    let file: Value = serde_json::from_str(include_str!("../vectors/password_hashes.json")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    let of = |algorithm: &str| {
        let case = cases.iter().find(|case| {
            let password = case["candidates"][0]["password"].as_str().unwrap_or_default();
            case["algorithm"] == algorithm
                && case["expected"] == "verify"
                && case["cost"] == "fast"
                && case["optional"] != true
                && password.is_ascii()
                && password.len() > 4
        });
        let case = case.unwrap_or_else(|| panic!("{algorithm}"));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&case["encoded"]), text(&case["candidates"][0]["password"]))
    };
    ["argon2", "pbkdf2_sha256", "pbkdf2_sha1", "bcrypt_sha256", "bcrypt", "scrypt"].into_iter().map(of).collect()
}

#[tokio::test]
async fn r03_an_imported_user_logs_in_and_the_stored_hash_is_then_todays() {
    for (encoded, password) in imported() {
        let world = World::builder().real_hashes().start().await;
        world.encoded_account("alice@example.com", &encoded).await;
        assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401, "{encoded}");
        world.advance(1);
        assert_eq!(world.items("accounts").await[0]["password"], json!(encoded), "a wrong password rehashes nothing");
        let reply = world.stranger().login("alice@example.com", &password).await;
        assert_eq!(reply.status(), 200, "{encoded}: {}", reply.text);
        let entry = world.last_entry();
        assert_eq!((entry.depth, entry.hashes, entry.write_units()), (3, 2, 7.0), "{encoded}: its own run, today's, one write");
        let account = &world.items("accounts").await[0];
        assert!(account["password"].as_str().expect("a hash").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{account:?}");
        assert_eq!(account["password_normalization"], "nfc");
        assert!(!account.contains_key("current_digest"), "none at another cost");
        assert!(
            !account.contains_key("password_changed_at") && world.items("history").await.is_empty(),
            "no change of the password"
        );
        assert_eq!(world.stranger().login("alice@example.com", &password).await.status(), 200);
        assert_eq!(world.last_entry().hashes, 1, "{encoded}");
    }
}

#[tokio::test]
async fn p01_plain_bcrypt_is_never_tried_with_more_than_72_bytes() {
    let world = World::start().await;
    let (encoded, password) = imported().into_iter().nth(4).expect("bcrypt");
    world.encoded_account("alice@example.com", &encoded).await;
    let long = format!("{password}{}", "x".repeat(80));
    assert_eq!(world.stranger().login("alice@example.com", &long).await.code(), "invalid_credentials");
    world.advance(1);
    assert_eq!(world.stranger().login("alice@example.com", &password).await.status(), 200);
}

#[tokio::test]
async fn p18_a_rehash_never_brings_an_old_password_back() {
    let world = World::start().await;
    let (encoded, password) = imported().into_iter().nth(1).expect("PBKDF2");
    world.encoded_account("alice@example.com", &encoded).await;
    let login = world.stranger().login("alice@example.com", &password).await;
    let owner = login.session();
    // As it was before that login: another one will want to rehash.
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    for (name, value) in [("password", encoded.as_str()), ("password_normalization", "raw")] {
        world.edit("accounts", &[("account_key", &key)], name, Some(acceptance::Edit::S(value.to_owned()))).await;
    }
    world.fault(Fault::always(Mode::Hold).table("accounts").operation("UpdateItem").times(1));
    let slow = world.stranger();
    let (name, right) = ("alice@example.com", password.clone());
    let slow = tokio::spawn(async move { slow.login(name, &right).await });
    world.held(1).await;
    let body = json!({ "current_password": password, "new_password": "Violet-Kettle-9-harbour" });
    let changed = owner.post("/password/change", &body).await;
    assert_eq!(changed.status(), 200, "{}", changed.text);
    world.stack().faults().release();
    assert_eq!(slow.await.expect("no panic").status(), 200);
    assert_eq!(world.stranger().login("alice@example.com", "Violet-Kettle-9-harbour").await.status(), 200, "{key}");
    assert_eq!(world.stranger().login("alice@example.com", &password).await.status(), 401);
}

#[tokio::test]
async fn e03_with_the_dummy_scheme_known_unknown_and_imported_cost_the_same_runs() {
    let (encoded, _) = imported().into_iter().nth(1).expect("PBKDF2");
    let rounds = encoded.split('$').nth(1).expect("rounds").to_owned();
    for (scheme, expected) in [(None, [2, 1, 1]), (Some(format!("pbkdf2_sha256${rounds}")), [2, 2, 2])] {
        let mut builder = World::builder();
        if let Some(scheme) = &scheme {
            builder = builder.setting("PALISADE_DUMMY_SCHEME", scheme);
        }
        let world = builder.start().await;
        world.encoded_account("imported@example.com", &encoded).await;
        world.account("ours@example.com", "correct-Horse-7-battery").await;
        let mut hashes = Vec::new();
        for name in ["imported@example.com", "ours@example.com", "nobody@example.com"] {
            assert_eq!(world.stranger().login(name, "wrong").await.status(), 401);
            hashes.push(world.last_entry().hashes);
        }
        assert_eq!(hashes, expected, "{scheme:?}");
    }
}

#[tokio::test]
async fn p13_absurd_costs_are_a_generic_401_with_one_event_and_no_run_of_their_own() {
    for encoded in [
        "pbkdf2_sha256$2000000000$J7lHzF7lrhTFgQmg6CbzFc$XI8VjfefnGRiTT8I66yJm3JbcyuT4jAUGzDyG2YKzQw=",
        "bcrypt$$2b$24$Qwv6Hk6unbhb7WjUue75GOqOEi8OXrtpUimjCpkyJWKsWD3UYq9oW",
        "bcrypt_sha256$$2b$31$FqHmhykssBLtfpI/9OhlHOtXsaX.IC/8T14b7tKCUDN7./ScP.CoO",
        "argon2$argon2id$v=19$m=8388608,t=2,p=1$UElwdkk2MDU0VTFJdnpwUHM2cmZKaw$2/HZBqSlAcm0+b/MJKzE1Pv+69Tvn+HveJ9ueERtKO8",
    ] {
        let world = World::start().await;
        world.encoded_account("alice@example.com", encoded).await;
        let client = world.stranger();
        let reply = client.login("alice@example.com", "x").await;
        let unknown = world.stranger().login("nobody@example.com", "x").await;
        assert_eq!(reply.comparable(), unknown.comparable(), "{encoded}");
        assert_eq!(world.hashes(), 2, "one each");
        assert_eq!(client.event_names(), ["corrupt_credential", "authn_login_fail"], "{encoded}");
    }
}

#[tokio::test]
async fn the_first_change_of_an_imported_password_keeps_its_hash_in_the_history() {
    let world = World::start().await;
    let (encoded, password) = imported().into_iter().nth(1).expect("PBKDF2");
    world.encoded_account("alice@example.com", &encoded).await;
    let login = world.stranger().login("alice@example.com", &password).await;
    let body = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
    let changed = login.session().post("/password/change", &body(&password, "Violet-Kettle-9-harbour")).await;
    assert_eq!(changed.status(), 200, "{}", changed.text);
    assert!(world.items("history").await[0]["password"].is_string());
    let again = changed.session().post("/password/change", &body("Violet-Kettle-9-harbour", &password)).await;
    assert!(again.json()["errors"].as_array().expect("errors").iter().any(|error| error["code"] == "reused"), "{}", again.text);
    assert_eq!(world.last_entry().hashes, 3, "the current one, the digest, the imported hash");
}
