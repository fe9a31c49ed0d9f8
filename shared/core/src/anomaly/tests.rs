use super::*;
use crate::baseline::Login;
use crate::client_ip::ClientIp;

/// Noon, UTC.
const NOON: Timestamp = Timestamp::from_seconds(1_769_860_800);

fn usual(zone: &Zone) -> LoginFacts<'_> {
    LoginFacts { now: NOON, zone, baseline: None, address: None, failures_in_a_row: 0, known_device: true }
}

fn found(login: &LoginFacts<'_>) -> Vec<Anomaly> {
    detect(login, &AnomalyRules::default())
}

fn logins(count: u16, addresses: u8) -> Baseline {
    let login = |n: u16| {
        let ip = ClientIp::Known([198, 51, 100, u8::try_from(n % u16::from(addresses)).unwrap()].into());
        Login::new(NOON, &ip.prefix(), (n << 8).to_be_bytes())
    };
    (0..count).map(login).collect()
}

const QUIET: AddressFacts = AddressFacts { failures: 0, failures_in_hour: 0, logins: 1, names_full: false };

#[test]
fn a_usual_login_has_none() {
    let zone = Zone::default();
    assert_eq!(found(&usual(&zone)), []);
    assert_eq!(action(score(&[])), Action::Allow);
}

#[test]
fn r44_the_eleventh_login_of_an_hour_is_one_too_many() {
    let zone = Zone::default();
    let (ten, eleven) = (logins(10, 1), logins(11, 1));
    assert_eq!((ten.logins(NOON), eleven.logins(NOON)), (10, 11));
    assert_eq!(found(&LoginFacts { baseline: Some(&ten), ..usual(&zone) }), []);
    assert_eq!(found(&LoginFacts { baseline: Some(&eleven), ..usual(&zone) }), [Anomaly::HighFrequencyLogins]);
}

#[test]
fn r45_night_is_before_six_and_from_ten_where_the_person_lives() {
    let zones = ["UTC", "Asia/Kathmandu"].map(|name| Zone::parse(name).unwrap());
    // Kathmandu is 5:45 ahead.
    for (zone, ahead) in zones.iter().zip([0, 20_700]) {
        for (seconds, night) in [(0, true), (21_599, true), (21_600, false), (79_199, false), (79_200, true), (86_399, true)] {
            let now = Timestamp::from_seconds(1_769_817_600 + seconds - ahead);
            let at_night = found(&LoginFacts { now, ..usual(zone) }) == [Anomaly::UnusualTimeLogin];
            assert_eq!(at_night, night, "{}", zone.clock(now));
        }
    }
}

#[test]
fn r46_the_sixth_address_of_a_day_is_one_too_many() {
    let zone = Zone::default();
    let (five, six) = (logins(6, 5), logins(6, 6));
    assert_eq!(found(&LoginFacts { baseline: Some(&five), ..usual(&zone) }), []);
    assert_eq!(found(&LoginFacts { baseline: Some(&six), ..usual(&zone) }), [Anomaly::MultipleIpAddresses]);
}

#[test]
fn r47_r48_what_the_address_did_is_told() {
    let zone = Zone::default();
    let of = |address| found(&LoginFacts { address: Some(address), ..usual(&zone) });
    assert_eq!(of(AddressFacts { failures: 3, ..QUIET }), []);
    assert_eq!(of(AddressFacts { failures: 4, ..QUIET }), [Anomaly::MultipleFailedLogins]);
    assert_eq!(of(AddressFacts { names_full: true, ..QUIET }), [Anomaly::UsernameEnumeration]);
}

#[test]
fn a08_a27_stuffing_fails_mostly_and_an_office_does_not() {
    let zone = Zone::default();
    let of = |failures_in_hour, logins, names_full| {
        let address = AddressFacts { failures_in_hour, logins, names_full, ..QUIET };
        found(&LoginFacts { address: Some(address), ..usual(&zone) }).contains(&Anomaly::CredentialStuffing)
    };
    assert!(of(98, 100, true) && of(10, 20, true));
    assert!(!of(20, 500, true), "an office of 500");
    assert!(!of(9, 9, true), "a few");
    assert!(!of(50, 50, false), "one name, again and again");
}

#[test]
fn a_success_after_a_guessing_run_from_a_new_device_is_an_incident_and_from_a_known_one_a_notice() {
    let zone = Zone::default();
    let after =
        |failures_in_a_row, known_device| action(score(&found(&LoginFacts { failures_in_a_row, known_device, ..usual(&zone) })));
    assert_eq!((after(10, false), after(10, true), after(9, false)), (Action::Incident, Action::Notice, Action::Allow));
}

#[test]
fn an_office_worker_with_a_new_laptop_is_left_in_peace() {
    let office = [Anomaly::NewDevice, Anomaly::MultipleFailedLogins, Anomaly::UsernameEnumeration];
    assert_eq!(action(score(&office)), Action::Allow);
    let at_night = [office.as_slice(), &[Anomaly::UnusualTimeLogin]].concat();
    assert_eq!(action(score(&at_night)), Action::Notice);
    assert_eq!(action(Anomaly::CredentialStuffing.weight()), Action::Incident);
}

#[test]
fn a07_an_attack_on_all_is_many_failures_and_a_fifth_of_all_logins() {
    let rules = AnomalyRules::default();
    assert!(is_under_attack(100, 400, &rules));
    assert!(!is_under_attack(99, 0, &rules) && !is_under_attack(100, 401, &rules));
}
