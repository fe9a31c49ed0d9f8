//! How many candidates a second the policy judges on one core, hashing and network left out, beside SHA-256 of the same passwords as a
//! baseline of the machine: `cargo bench --bench password_policy`.
#![allow(missing_docs, reason = "a benchmark has no readers of its API")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark measures and tells"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use palisade_core::Password;
use palisade_core::password::{Attributes, Candidate, PasswordRules, violations};
use sha2::{Digest, Sha256};

const ROUNDS: u32 = 20;

fn main() {
    let passwords: Vec<Password> =
        (0..2_000).map(|n| Password::new(format!("Violet-Kettle-{n}-harbour-{}", n * 7_919 % 10_007)).unwrap()).collect();
    let attributes = Attributes {
        username: Some("wanderer77"),
        first_name: Some("Ottilie"),
        last_name: Some("Vexford-Marlowe"),
        email: Some("ottilie.vexford+lists@mail.example.com"),
    };
    for (profile, rules) in [("seed", PasswordRules::seed()), ("nist", PasswordRules::nist())] {
        let rules = rules.rules(100);
        let judged = median(|| {
            for password in &passwords {
                let candidate = Candidate { password, attributes, reused: false, breach: None };
                black_box(violations(&rules, &candidate));
            }
        });
        let baseline = median(|| {
            for password in &passwords {
                black_box(Sha256::digest(password.raw()));
            }
        });
        let per_second = passwords.len() as f64 / judged.as_secs_f64();
        println!(
            "{profile}: {per_second:.0} passwords a second, {:.1} times SHA-256 of each",
            judged.as_secs_f64() / baseline.as_secs_f64()
        );
    }
}

fn median(work: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
