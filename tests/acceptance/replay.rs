//! Scenarios on the running system: what the replay says is what happens.

use std::collections::{HashMap, HashSet};

use acceptance::{World, log};
use palisade::replay::attempt::{Attempt, Recorded};
use palisade::replay::scenario::{self, Scenario};
use palisade_core::Policy;

const PASSWORD: &str = "correct-Horse-7-battery";

fn attempts(scenario: Scenario, policy: &Policy, size: u32) -> Vec<Attempt> {
    let mut all = Vec::new();
    scenario::play(scenario, policy, size, 1, |attempt| all.push(attempt.clone()));
    all
}

/// Plays `attempts` over HTTP, one after another at their times, and compares what becomes of each.
async fn played(world: &World, attempts: &[Attempt]) {
    let named = |account: &str| format!("{account}@example.com");
    let exists: HashSet<&str> = attempts
        .iter()
        .filter(|attempt| attempt.truth.is_some_and(|truth| truth.right))
        .map(|attempt| attempt.account.as_str())
        .collect();
    for account in exists {
        world.account(&named(account), PASSWORD).await;
    }
    let mut devices: HashMap<&str, String> = HashMap::new();
    let mut now = attempts[0].at;
    for (n, attempt) in attempts.iter().enumerate() {
        world.advance_millis(u64::try_from(attempt.at.since(now).as_millis()).expect("in range"));
        now = attempt.at;
        let truth = attempt.truth.expect("a scenario knows");
        let mut client = world.actor(&attempt.ip.to_string());
        if attempt.device.is_some() {
            client = client.device(&devices[attempt.account.as_str()]);
        }
        let password = if truth.right { PASSWORD } else { "wrong" };
        let reply = client.login(&named(&attempt.account), password).await;
        let found = match reply.status() {
            200 => Recorded::Success,
            401 => Recorded::Failure,
            429 => {
                let Some(Recorded::Refused(reason)) = attempt.recorded else { panic!("{attempt:?}: {}", reply.text) };
                assert_eq!(reply.reason(), reason.as_str(), "attempt {n}");
                Recorded::Refused(reason)
            }
            other => panic!("{other}: {}", reply.text),
        };
        assert_eq!(Some(found), attempt.recorded, "attempt {n}, {attempt:?}: {}", reply.text);
        if found == Recorded::Success && !truth.attacker {
            devices.insert(&attempt.account, reply.cookie("__Host-device"));
        }
    }
}

#[tokio::test]
async fn every_scenario_comes_out_on_the_system_as_the_replay_plays_it() {
    let sizes = [
        (Scenario::Stuffing, 150),
        (Scenario::Spray, 120),
        (Scenario::LowAndSlow, 250),
        (Scenario::LockTheBoss, 250),
        (Scenario::NatOffice, 60),
        (Scenario::MobileHopping, 24),
    ];
    for (nist, policy) in [(false, Policy::seed()), (true, Policy::nist())] {
        for (scenario, size) in sizes {
            let builder = World::builder();
            let world = if nist { builder.nist() } else { builder }.start().await;
            let attempts = attempts(scenario, &policy, size);
            played(&world, &attempts).await;
            let hashes = attempts.iter().filter(|attempt| !matches!(attempt.recorded, Some(Recorded::Refused(_)))).count();
            assert_eq!(usize::try_from(world.hashes()), Ok(hashes), "{scenario:?}: one hash for each that is tried");
            let incidents = world.items("incidents").await;
            let mut told: Vec<&str> = incidents.iter().filter_map(|incident| incident["type"].as_str()).collect();
            told.sort_unstable();
            told.dedup();
            let expected: &[&str] = match (scenario, nist) {
                (Scenario::Stuffing | Scenario::Spray, true) => &["anomalous_login", "brute_force", "username_enumeration"],
                (Scenario::Stuffing | Scenario::Spray | Scenario::NatOffice, false) => &["brute_force", "username_enumeration"],
                (Scenario::LowAndSlow | Scenario::LockTheBoss, _) => &["brute_force"],
                (Scenario::NatOffice, true) => &["username_enumeration"],
                (Scenario::MobileHopping, _) => &[],
            };
            assert_eq!(told, expected, "{scenario:?}, nist: {nist}");
        }
    }
}

#[tokio::test]
async fn the_systems_own_log_replays_to_what_was_recorded_and_shows_what_another_policy_changes() {
    let world = World::builder().nist().start().await;
    played(&world, &attempts(Scenario::NatOffice, &Policy::nist(), 60)).await;
    played(&world, &attempts(Scenario::Spray, &Policy::nist(), 40)).await;
    let directory = std::env::temp_dir().join(world.name());
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
    let lines: Vec<String> = log::lines_with(world.name()).iter().map(ToString::to_string).collect();
    std::fs::write(path("log.jsonl"), lines.join("\n")).expect("a log");
    std::fs::write(path("same.toml"), "policy = \"nist\"\n").expect("a policy");
    std::fs::write(path("seed.toml"), "policy = \"seed\"\n").expect("a policy");
    let same = world.palisade(&["replay", &path("log.jsonl"), "--policy", &path("same.toml")]).await.expect("a report");
    assert!(same.contains("refused by the candidate: nobody") && same.contains("+0"), "{same}");
    let arguments = ["replay", &path("log.jsonl"), "--policy", &path("seed.toml"), "--plot", &path("plot.svg")];
    let seed = world.palisade(&arguments).await.expect("a report");
    assert!(seed.contains("auth_rate_limit") && seed.contains("refused by the candidate alone"), "{seed}");
    assert!(std::fs::read_to_string(path("plot.svg")).expect("a picture").contains("<polyline"));
    let told = world.palisade(&["scenario", "spray", "--to", &path("spray.jsonl")]).await.expect("a log");
    assert!(told.starts_with("500 attempts"), "{told}");
    let spray = world.palisade(&["replay", &path("spray.jsonl"), "--policy", &path("same.toml")]).await.expect("a report");
    assert!(spray.starts_with("500 attempts, 500 of them an attack's: 99 % stopped today, 79 % under the candidate"), "{spray}");
    std::fs::remove_dir_all(&directory).expect("removed");
}
