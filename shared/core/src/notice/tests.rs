use super::*;

const SECRET: &str = "a-marked-fake-secret-for-tests-0001";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn notice(kind: NoticeKind, version: u64) -> Notice {
    let key = AccountKey::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap();
    Notice { void: false, auth_version: version, ..Notice::void(NoticeId::new([7; 16]), kind, &key, NOW) }
}

#[test]
fn a_grant_is_its_notices_own_for_its_kind_version_and_time() {
    let keys = KeyRing::parse(SECRET).unwrap();
    let reset = notice(NoticeKind::ResetPassword, 5);
    let token = reset.token(&keys).unwrap();
    let presented = Presented::parse(token.expose()).unwrap();
    let proves = |notice: &Notice, kind, now| presented.proves(notice, kind, &keys, now);
    assert!(proves(&reset, NoticeKind::ResetPassword, NOW));
    assert!(!proves(&reset, NoticeKind::ResetPassword, NOW.plus(RESET_LIFETIME)));
    assert!(!proves(&reset, NoticeKind::ConfirmSignUp, NOW));
    assert!(!proves(&notice(NoticeKind::ResetPassword, 6), NoticeKind::ResetPassword, NOW), "the version moved on");
    assert!(!proves(&notice(NoticeKind::ConfirmSignUp, 5), NoticeKind::ConfirmSignUp, NOW), "another kind");
    assert!(!proves(&Notice { void: true, ..reset.clone() }, NoticeKind::ResetPassword, NOW));
    assert!(Notice { void: true, ..reset }.token(&keys).is_none());
    assert!(notice(NoticeKind::PasswordChanged, 5).token(&keys).is_none());
}

#[test]
fn p25_a_grant_of_a_retired_key_holds_and_of_an_unknown_one_does_not() {
    let (old, rotated) = (KeyRing::parse(SECRET).unwrap(), KeyRing::parse(&format!("{}2,{SECRET}", "x1".repeat(20))).unwrap());
    let reset = notice(NoticeKind::ResetPassword, 5);
    let presented = Presented::parse(reset.token(&old).unwrap().expose()).unwrap();
    assert!(presented.proves(&reset, NoticeKind::ResetPassword, &rotated, NOW));
    let dropped = KeyRing::parse(&format!("{}2", "x1".repeat(20))).unwrap();
    assert!(!presented.proves(&reset, NoticeKind::ResetPassword, &dropped, NOW));
}

#[test]
fn se23_only_the_exact_form_is_a_token() {
    for bad in ["", "..", "a.b.c", &"A".repeat(5_000), "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAA.AAAA"] {
        assert!(Presented::parse(bad).is_none(), "{bad:.40}");
    }
}
