//! Known answers, bounds and the strictness of the parser.

use super::*;
use proptest::prelude::*;

/// The cheapest Argon2id there is, where the cost is not the point.
const CHEAP: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };

fn cost(params: &Argon2Params) -> Cost {
    Cost { params: *params, dummy: None }
}

fn checked(password: &Password, stored: Option<&StoredPassword>, params: &Argon2Params) -> Checked {
    verify(password, stored, &[9; SALT_BYTES], &cost(params)).unwrap().checked
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

fn stored(encoded: &str, normalization: Normalization) -> StoredPassword {
    StoredPassword { encoded: encoded.into(), normalization }
}

#[test]
fn p29_argon2id_matches_rfc_9106() {
    // RFC 9106, 5.3: the Argon2id test vector, with secret and associated data.
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let argon2 = argon2::Argon2::new_with_secret(&[3; 8], argon2::Algorithm::Argon2id, argon2::Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    let expected = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45,
        0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ];
    assert_eq!(tag, expected);
}

#[test]
fn p29_the_argon2_reference_set_verifies() {
    // phc-winner-argon2, src/test.c, Argon2id version 0x13, salt "somesalt"; those within our bounds.
    let reference = [
        ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
        ("password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"),
        ("password", "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"),
        ("differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"),
    ];
    for (right, encoded) in reference {
        for normalization in [Normalization::Raw, Normalization::Nfc] {
            let stored = stored(encoded, normalization);
            assert_eq!(checked(&password(right), Some(&stored), &CHEAP), Checked::Right, "{encoded}");
            assert_eq!(checked(&password("Password"), Some(&stored), &CHEAP), Checked::Wrong, "{encoded}");
        }
    }
}

#[test]
fn r01_a_new_hash_verifies_at_the_owasp_floor() {
    let params = Argon2Params::OWASP_FLOOR;
    let stored = hash(&password("correct horse"), &[7; SALT_BYTES], &params).unwrap();
    assert!(stored.encoded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.encoded);
    assert_eq!(checked(&password("correct horse"), Some(&stored), &params), Checked::Right);
    assert_eq!(checked(&password("correct hors"), Some(&stored), &params), Checked::Wrong);
}

#[test]
fn p03_everything_after_a_nul_counts() {
    let stored = hash(&password("abc\0tail"), &[7; SALT_BYTES], &CHEAP).unwrap();
    for wrong in ["abc", "abc\0", "abc\0other", "abc\0tail\0"] {
        assert_eq!(checked(&password(wrong), Some(&stored), &CHEAP), Checked::Wrong, "{wrong:?}");
    }
}

#[test]
fn p06_ours_reads_both_spellings_and_imported_only_its_own() {
    let (composed, decomposed) = (password("caf\u{e9}"), password("cafe\u{301}"));
    let ours = hash(&decomposed, &[7; SALT_BYTES], &CHEAP).unwrap();
    assert_eq!(checked(&composed, Some(&ours), &CHEAP), Checked::Right);
    let imported = StoredPassword { normalization: Normalization::Raw, ..hash(&composed, &[7; SALT_BYTES], &CHEAP).unwrap() };
    assert_eq!(checked(&composed, Some(&imported), &CHEAP), Checked::Right);
    assert_eq!(checked(&decomposed, Some(&imported), &CHEAP), Checked::Wrong);
}

#[test]
fn p09_outer_spaces_count() {
    let stored = hash(&password(" secret "), &[7; SALT_BYTES], &CHEAP).unwrap();
    assert_eq!(checked(&password("secret"), Some(&stored), &CHEAP), Checked::Wrong);
    assert_eq!(checked(&password(" secret "), Some(&stored), &CHEAP), Checked::Right);
}

#[test]
fn p12_absurd_argon2_parameters_are_refused_before_anything_is_computed() {
    for params in [
        "m=8388608,t=2,p=1",
        "m=19456,t=4294967295,p=1",
        "m=19456,t=2,p=16777216",
        "m=4294986752,t=2,p=1",
        "m=18446744073709571072,t=2,p=1",
        "m=131073,t=2,p=1",
        "m=19456,t=11,p=1",
        "m=19456,t=2,p=17",
        "m=7,t=1,p=1",
        "m=127,t=1,p=16",
    ] {
        let encoded = format!("$argon2id$v=19${params}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
        let checked = checked(&password("password"), Some(&stored(&encoded, Normalization::Raw)), &CHEAP);
        assert_eq!(checked, Checked::Corrupt(FormatError::CostOutOfBounds), "{params}");
    }
}

#[test]
fn p13_parameters_at_the_ceiling_and_djangos_defaults_are_usable() {
    let ceiling = "$argon2id$v=19$m=131072,t=10,p=16$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let django = "$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert!(Hash::parse(ceiling).is_ok());
    assert!(Hash::parse(django).is_ok());
}

#[test]
fn p14_malformed_hashes_are_refused_without_computing() {
    let tail = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let good = format!("$argon2id$v=19$m=256,t=2,p=1{tail}");
    assert!(Hash::parse(&good).is_ok());
    let bad = [
        "x".into(),
        "$argon2id$".into(),
        format!("$argon2id$v=19$m=256,t=2,m=256,p=1{tail}"),
        format!("$argon2id$v=19$t=2,m=256,p=1{tail}"),
        format!("$argon2id$v=19$m=256,t=2{tail}"),
        format!("$argon2id$v=19$m=+256,t=2,p=1{tail}"),
        format!("$argon2id$v=19$m=-256,t=2,p=1{tail}"),
        format!("$argon2id$v=19$m=0256,t=2,p=1{tail}"),
        format!("$argon2id$v=19$m=256.0,t=2,p=1{tail}"),
        format!("$argon2id$v=19$m=256,t=,p=1{tail}"),
        format!("$argon2id$v=19$m=256,t=2,p=1,data=AA{tail}"),
        format!("$argon2id$v=16$m=256,t=2,p=1{tail}"),
        format!("$argon2id$m=256,t=2,p=1{tail}"),
        format!("$argon2i$v=19$m=256,t=2,p=1{tail}"),
        "$argon2id$v=19$m=256,t=2,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc".into(),
        "$argon2id$v=19$m=256,t=2,p=1$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc".into(),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}$"),
        good.replace("PPc", "PPd"),
        format!("{good}{}", "A".repeat(1 << 20)),
    ];
    for encoded in bad {
        let error = Hash::parse(&encoded).err();
        assert!(matches!(error, Some(FormatError::Malformed | FormatError::Unsupported)), "{encoded:.90} {error:?}");
    }
}

#[test]
fn p16_no_password_is_right_for_an_unusable_one() {
    for encoded in ["", "!", "!x9ikhQ7mfkFzV2cbRKVnH5xWqEKsWJrJw2PnYbn4"] {
        for typed in ["", "!", encoded] {
            let checked = checked(&password(typed), Some(&stored(encoded, Normalization::Raw)), &CHEAP);
            assert_eq!(checked, Checked::Wrong, "{encoded:?} {typed:?}");
        }
    }
    assert_eq!(checked(&password(""), None, &CHEAP), Checked::Wrong);
}

#[test]
fn sc02_stored_passwords_print_redacted() {
    assert_eq!(format!("{:?}", stored("$argon2id$…", Normalization::Nfc)), "StoredPassword(redacted)");
}

proptest! {
    #[test]
    fn p14_any_text_is_read_without_panic(text in any::<String>()) {
        drop(Hash::parse(&text));
    }

    #[test]
    fn p14_any_parameters_are_read_within_the_ceiling(m in any::<u64>(), t in any::<u64>(), p in any::<u64>()) {
        let encoded = format!("$argon2id$v=19$m={m},t={t},p={p}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
        if let Ok(Hash { scheme: Scheme::Argon2 { params, .. }, .. }) = Hash::parse(&encoded) {
            prop_assert!(Argon2Params::CEILING.at_least(&params));
        }
    }
}

#[test]
fn p29_pbkdf2_matches_rfc_7914_and_rfc_6070() {
    // RFC 7914, 11: PBKDF2-HMAC-SHA-256 of "passwd" and "salt", one round, the first 32 bytes.
    let sha_256 = Scheme::Pbkdf2 { prf: Prf::Sha256, rounds: 1 };
    let output = sha_256.run(b"passwd", b"salt", 32).unwrap().unwrap();
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(hex(&output), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    // RFC 6070: PBKDF2-HMAC-SHA-1 of "password" and "salt", 4096 rounds.
    let sha_1 = Scheme::Pbkdf2 { prf: Prf::Sha1, rounds: 4_096 };
    let output = sha_1.run(b"password", b"salt", 20).unwrap().unwrap();
    assert_eq!(hex(&output), "4b007901b765489abead49d926f721d065a429c1");
    // RFC 7914, 12: scrypt of "" and "", N = 16, r = 1, p = 1.
    let output = Scheme::Scrypt { log_n: 4, r: 1, p: 1 }.run(b"", b"", 64).unwrap().unwrap();
    assert_eq!(
        hex(&output),
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
    );
}
