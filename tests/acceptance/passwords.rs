//! How passwords are read and what stored ones may cost.

use acceptance::World;

#[tokio::test]
async fn p03_the_whole_password_counts_past_a_nul() {
    let world = World::start().await;
    world.account("alice@example.com", "abc\0tail").await;
    for wrong in ["abc", "abc\0", "abc\0other"] {
        assert_eq!(world.stranger().login("alice@example.com", wrong).await.status(), 401, "{wrong:?}");
        world.advance(60);
    }
    assert_eq!(world.stranger().login("alice@example.com", "abc\0tail").await.status(), 200);
}

#[tokio::test]
async fn p06_composed_and_decomposed_spellings_are_one_password() {
    let world = World::start().await;
    world.account("composed@example.com", "caf\u{e9}-Horse-7-battery").await;
    world.account("decomposed@example.com", "cafe\u{301}-Horse-7-battery").await;
    for name in ["composed@example.com", "decomposed@example.com"] {
        for password in ["caf\u{e9}-Horse-7-battery", "cafe\u{301}-Horse-7-battery"] {
            assert_eq!(world.stranger().login(name, password).await.status(), 200);
        }
    }
    assert!(world.items("accounts").await.iter().all(|item| item["password_normalization"] == "nfc"));
}

#[tokio::test]
async fn p09_outer_spaces_count() {
    let world = World::start().await;
    world.account("alice@example.com", " secret ").await;
    assert_eq!(world.stranger().login("alice@example.com", "secret").await.status(), 401);
    world.advance(1);
    assert_eq!(world.stranger().login("alice@example.com", " secret ").await.status(), 200);
}

/// A stored `encoded` hash is a generic 401, one event with `reason`, and one failed try.
async fn damaged(encoded: &[&str], reason: &str) {
    let world = World::start().await;
    for (n, encoded) in encoded.iter().enumerate() {
        let name = format!("damaged-{n}@example.com");
        world.encoded_account(&name, encoded).await;
        let client = world.stranger();
        let reply = client.login(&name, "password").await;
        let unknown = world.stranger().login(&format!("nobody-{n}@example.com"), "password").await;
        assert_eq!(reply.comparable(), unknown.comparable(), "{encoded:.80}");
        assert_eq!(client.event_names(), ["corrupt_credential", "authn_login_fail"], "{encoded:.80}");
        assert_eq!(client.events()[0]["reason"], reason);
        assert_eq!(world.stranger().login(&name, "password").await.reason(), "login_delay", "the try counted");
    }
}

#[tokio::test]
async fn p12_absurd_parameters_are_a_generic_401_without_computing() {
    damaged(
        &[
            "$argon2id$v=19$m=8388608,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=19456,t=4294967295,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=18446744073709571072,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ],
        "cost out of bounds",
    )
    .await;
}

#[tokio::test]
async fn p14_malformed_hashes_are_a_generic_401_one_failure_and_one_event() {
    damaged(
        &[
            "$argon2id$v=19$m=256,t=2,m=256,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n",
            &"x".repeat(100_000),
        ],
        "malformed",
    )
    .await;
}

#[tokio::test]
async fn p16_no_password_logs_in_where_none_is_usable() {
    let world = World::start().await;
    for (n, encoded) in ["", "!", "!x9ikhQ7mfkFzV2cb"].iter().enumerate() {
        let name = format!("unusable-{n}@example.com");
        world.encoded_account(&name, encoded).await;
        for password in ["", "!", encoded] {
            assert_eq!(world.stranger().login(&name, password).await.status(), 401, "{encoded:?} {password:?}");
            world.advance(60);
        }
    }
}

#[tokio::test]
async fn p04_a_password_of_1025_bytes_is_400_and_of_a_megabyte_413_without_a_hash() {
    let world = World::start().await;
    world.account("alice@example.com", &"x".repeat(1_024)).await;
    assert_eq!(world.stranger().login("alice@example.com", &"x".repeat(1_024)).await.status(), 200);
    let hashes = world.hashes();
    assert_eq!(world.stranger().login("alice@example.com", &"x".repeat(1_025)).await.status(), 400);
    assert_eq!(world.stranger().login("alice@example.com", &"x".repeat(1 << 20)).await.status(), 413);
    assert_eq!(world.hashes(), hashes);
}

#[tokio::test]
async fn r01_real_hashes_log_in_at_the_owasp_floor() {
    let world = World::builder().real_hashes().start().await;
    world.account("alice@example.com", "correct-Horse-7-battery").await;
    let stored = world.items("accounts").await;
    assert!(stored[0]["password"].as_str().is_some_and(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_eq!(world.stranger().login("alice@example.com", "correct-Horse-7-battery").await.status(), 200);
}
