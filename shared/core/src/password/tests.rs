//! The profiles by example; the vectors of Django run in the acceptance suite.

use super::*;

fn codes(rules: &PasswordRules, password: &str) -> Vec<&'static str> {
    let password = Password::new(password).unwrap();
    let candidate = Candidate { password: &password, attributes: Attributes::default(), reused: false, breach: None };
    violations(&rules.rules(100), &candidate).iter().map(|violation| violation.code).collect()
}

#[test]
fn p10_lengths_count_code_points() {
    let nist = PasswordRules::nist();
    assert_eq!(codes(&nist, &"😀".repeat(15)), Vec::<&str>::new());
    assert_eq!(codes(&nist, &"😀".repeat(14)), ["too_short"]);
    let seed = PasswordRules::seed();
    assert_eq!(codes(&seed, "Tq7#zWxy9-Lp"), Vec::<&str>::new());
    assert_eq!(codes(&seed, "Tq7#zWxy9-L"), ["too_short"]);
    let long = "Tq7#zWxy9-Lp".repeat(11);
    let cut = |chars: usize| long.chars().take(chars).collect::<String>();
    assert_eq!(codes(&seed, &cut(128)), Vec::<&str>::new());
    assert_eq!(codes(&seed, &cut(129)), ["too_long"]);
}

#[test]
fn r12_every_violation_is_told_at_once_with_its_numbers() {
    let password = Password::new("zzzq").unwrap();
    let attributes = Attributes { username: Some("zzzq"), ..Attributes::default() };
    let candidate = Candidate { password: &password, attributes, reused: true, breach: Some(Breach::Breached(101)) };
    let told = violations(&PasswordRules::seed().rules(100), &candidate);
    let codes: Vec<&str> = told.iter().map(|violation| violation.code).collect();
    let expected = [
        "too_similar",
        "too_short",
        "too_few_uppercase",
        "too_few_digits",
        "too_few_special",
        "too_many_consecutive",
        "reused",
        "breached",
    ];
    assert_eq!(codes, expected);
    assert_eq!(told[0].params["attribute"], Param::Name("username".into()));
    assert_eq!(told[1].params["min_length"], Param::Number(12));
    assert_eq!(told[1].message, "The password must have at least 12 characters.");
}

#[test]
fn r08_underscore_and_hyphen_are_special_and_letters_of_any_script_count() {
    for special in ['-', '_', '€', '…', '😀'] {
        assert_eq!(codes(&PasswordRules::seed(), &format!("Tq7zWxy9abLp{special}")), Vec::<&str>::new(), "{special}");
    }
    assert_eq!(codes(&PasswordRules::seed(), "ЖёлтыйЧай7#!"), Vec::<&str>::new());
    assert_eq!(codes(&PasswordRules::seed(), "Tq7zWxy9 abLp"), ["too_few_special"], "a space is not visible");
}

#[test]
fn r10_context_words_are_refused_within_in_seed_and_as_the_whole_in_nist() {
    let with = |rules: PasswordRules| PasswordRules { context_words: vec!["palisade-cloud-inc".into()], ..rules };
    assert_eq!(codes(&with(PasswordRules::seed()), "Tq7#Palisade-Cloud-Inc"), ["contains_dictionary_word"]);
    assert_eq!(codes(&with(PasswordRules::nist()), "Tq7#Palisade-Cloud-Inc"), Vec::<&str>::new());
    assert_eq!(codes(&with(PasswordRules::nist()), "Palisade-Cloud-Inc"), ["contains_dictionary_word"]);
}

#[test]
fn r19_breaches_block_over_100_in_seed_and_from_one_in_nist() {
    let password = Password::new("Tq7#zWxy9-Lp-Tq7#zWxy9-Lp").unwrap();
    let refused = |over: u64, breach: Breach| {
        let candidate = Candidate { password: &password, attributes: Attributes::default(), reused: false, breach: Some(breach) };
        !violations(&PasswordRules::seed().rules(over), &candidate).is_empty()
    };
    for seen in [1, 10, 11, 100] {
        assert!(!refused(100, Breach::Breached(seen)) && refused(0, Breach::Breached(seen)), "{seen}");
    }
    assert!(refused(100, Breach::Breached(101)) && !refused(0, Breach::Clean));
}

#[test]
fn r06_the_list_is_found_from_its_first_to_its_last_line() {
    let mut listed = 0;
    for password in common_passwords() {
        assert!(is_common(password), "{password}");
        listed += 1;
    }
    assert_eq!(listed, 19_640);
    for other in ["", "Tq7#zWxy9-Lp", "\u{10ffff}", "passwordx", "!!!!!"] {
        assert!(!is_common(other), "{other}");
    }
}
