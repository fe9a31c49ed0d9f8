//! Derivation, rotation and what keys show of themselves.

use super::*;

const SECRET: &str = "a-marked-fake-secret-for-tests-0001";
const OLDER: &str = "a-marked-fake-secret-for-tests-0000";

#[test]
fn p29_hmac_sha_256_matches_rfc_4231() {
    // RFC 4231, test cases 1 and 2.
    let mut one = Hmac::<Sha256>::new_from_slice(&[0x0b; 20]).unwrap();
    one.update(b"Hi There");
    let mut two = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
    two.update(b"what do ya want for nothing?");
    let hex = |mac: Hmac<Sha256>| mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(hex(one), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_eq!(hex(two), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn p25_a_retired_key_verifies_and_an_unknown_one_does_not() {
    let before = KeyRing::parse(OLDER).unwrap();
    let tag = before.sign(Use::Device, &[b"x"]);
    let rotated = KeyRing::parse(&format!("{SECRET},{OLDER}")).unwrap();
    assert!(rotated.verify(Use::Device, before.current_id(), &[b"x"], &tag));
    assert_ne!(rotated.current_id(), before.current_id());
    let dropped = KeyRing::parse(SECRET).unwrap();
    assert!(!dropped.verify(Use::Device, before.current_id(), &[b"x"], &tag));
}

#[test]
fn a_tag_of_one_use_is_none_of_another() {
    let ring = KeyRing::parse(SECRET).unwrap();
    let tag = ring.sign(Use::Csrf, &[b"x"]);
    assert!(ring.verify(Use::Csrf, ring.current_id(), &[b"x"], &tag));
    assert!(!ring.verify(Use::Device, ring.current_id(), &[b"x"], &tag));
}

#[test]
fn parts_are_kept_apart() {
    let ring = KeyRing::parse(SECRET).unwrap();
    assert_ne!(ring.sign(Use::Csrf, &[b"ab", b"c"]), ring.sign(Use::Csrf, &[b"a", b"bc"]));
}

#[test]
fn d20_a_missing_short_or_empty_secret_is_refused_without_its_value() {
    for bad in ["", "canary", ",", &format!("{SECRET},canary"), &"x".repeat(40), &format!("{SECRET}\u{e9}")] {
        let why = KeyRing::parse(bad).unwrap_err();
        assert!(!why.contains("canary") && !why.contains(SECRET), "{why}");
        assert!(IdentityKey::parse(bad).is_err() || bad.contains(','));
    }
}

#[test]
fn sc02_keys_print_redacted() {
    let printed = format!("{:?} {:?}", KeyRing::parse(SECRET).unwrap(), IdentityKey::parse(SECRET).unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(printed.ends_with("IdentityKey(redacted)"), "{printed}");
}

#[test]
fn account_keys_are_22_characters_and_differ_from_name_tags() {
    let key = IdentityKey::parse(SECRET).unwrap();
    let alice = Identifier::parse("alice").unwrap();
    let account = key.account_key(&alice);
    assert_eq!(AccountKey::parse(account.as_str()), Some(account.clone()));
    assert!(!account.as_str().starts_with(&key.name_tag(&alice)));
}

#[test]
fn se23_only_a_canonical_key_is_a_key() {
    for bad in
        ["", "short", "AAAAAAAAAAAAAAAAAAAAA#", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA\0A"]
    {
        assert_eq!(AccountKey::parse(bad), None, "{bad:?}");
    }
    assert!(AccountKey::parse("AAAAAAAAAAAAAAAAAAAAAA").is_some());
}
