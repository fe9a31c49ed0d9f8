//! Random stories against the whole function, checked after each step against a plain model. A failure prints its seed.

use acceptance::{Dice, Reply, World};
use palisade_local::{Fault, Mode};
use tokio::task::JoinSet;

const PASSWORD: &str = "correct-Horse-7-battery";

/// A fault of any call that a login makes.
fn any_fault(dice: &mut Dice) -> Fault {
    let calls = [("accounts", "GetItem"), ("counters", "GetItem"), ("counters", "UpdateItem"), ("sessions", "PutItem")];
    let (table, operation) = dice.pick(&calls);
    Fault::always(dice.pick(&[Mode::Error, Mode::Throttle, Mode::Malformed])).table(table).operation(operation)
}

const NAMES: [&str; 2] = ["alice@example.com", "nobody@example.com"];

/// What an observer of one name's lane knows.
#[derive(Default, Clone, Copy)]
struct Model {
    failures_since_success: u32,
    delayed_until: u64,
}

/// One attempt and what it did.
struct Step {
    context: String,
    now: u64,
    right: bool,
    faulty: bool,
    hashes: u32,
    sessions: usize,
    reply: Reply,
}

impl Model {
    /// Checks `step` against what is known and learns from it.
    fn check(&mut self, step: &Step) {
        let Step { context, now, right, faulty, hashes, sessions, reply } = step;
        match reply.status() {
            200 => {
                assert!(*right && *now >= self.delayed_until && (*hashes, *sessions) == (1, 1), "{context}");
                self.failures_since_success = 0;
            }
            401 => {
                assert!(!right && *now >= self.delayed_until && (*hashes, *sessions) == (1, 0), "{context}");
                self.failures_since_success += 1;
                self.delayed_until = now + 2_u64.saturating_pow(self.failures_since_success - 1).min(60);
            }
            429 => {
                assert!(*now < self.delayed_until && (*hashes, *sessions) == (0, 0), "{context}: {}", reply.text);
                assert_eq!(reply.retry_after(), self.delayed_until - now, "{context}");
            }
            503 => {
                assert!(*faulty && *sessions == 0, "{context}: {}", reply.text);
                if *hashes == 1 {
                    // The session could not be stored, but the try was settled as what it was.
                    assert!(right, "{context}");
                    self.failures_since_success = 0;
                }
            }
            other => panic!("{context}: {other} {}", reply.text),
        }
    }
}

async fn story(seed: u64) {
    let world = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000_000).start().await;
    world.account(NAMES[0], PASSWORD).await;
    let (mut dice, mut now, mut models) = (Dice::new(seed), 0, [Model::default(); 2]);
    for number in 0..120 {
        let who = dice.pick(&[0, 1]);
        let password = dice.pick(&[PASSWORD, "wrong", "wrong", "wrong"]);
        let faulty = dice.roll(8) == 0;
        if faulty {
            world.fault(any_fault(&mut dice));
        }
        let before = (world.hashes(), world.items("sessions").await.len());
        let reply = world.stranger().login(NAMES[who], password).await;
        world.stack().faults().clear();
        models[who].check(&Step {
            context: format!("seed {seed}, step {number}, {}", NAMES[who]),
            now,
            right: password == PASSWORD && who == 0,
            faulty,
            hashes: world.hashes() - before.0,
            sessions: world.items("sessions").await.len() - before.1,
            reply,
        });
        let pause = dice.roll(10);
        world.advance(pause);
        now += pause;
    }
}

#[tokio::test]
async fn random_stories_keep_the_invariants() {
    for seed in 0..6 {
        story(seed).await;
    }
}

/// What must hold of a crowd's replies; returns how many wrong passwords were checked.
fn check_replies(replies: &[(bool, Reply)], context: &str, hashes: u32, sessions: usize) -> usize {
    for (right, reply) in replies {
        let fits = match reply.status() {
            200 => *right,
            401 => !right,
            429 | 503 => true,
            _ => false,
        };
        assert!(fits, "{context}: {} {}", reply.status, reply.text);
    }
    let count = |status: u16| replies.iter().filter(|(_, reply)| reply.status() == status).count();
    let (successes, refused_ones) = (count(200), count(401));
    // A success frees its lease at once, so only failures and what is open are bounded by the places.
    assert!(refused_ones <= 3, "{context}: {refused_ones} wrong passwords were checked in one delay step");
    assert!(usize::try_from(hashes).expect("few") >= successes + refused_ones, "{context}: a verdict without a hash");
    assert!(sessions >= successes, "{context}: a success without its session");
    refused_ones
}

/// Threads decide what overlaps, so a seed only tells the faults and the passwords.
///
/// What a crowd on one account did between two ticks of the clock, and what must hold of it whatever overlapped and whatever failed.
async fn crowd(seed: u64) {
    let world = World::builder()
        .setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000_000)
        .setting("PALISADE_ATTEMPT_TIMEOUT_MS", 500)
        .setting("PALISADE_OPERATION_TIMEOUT_MS", 1_000)
        .start()
        .await;
    world.account(NAMES[0], PASSWORD).await;
    let mut dice = Dice::new(seed);
    let mut stored_before = 0;
    for round in 0..12 {
        let context = format!("seed {seed}, round {round}");
        if dice.roll(2) == 0 {
            let calls = [("counters", "PutItem"), ("counters", "UpdateItem"), ("accounts", "GetItem"), ("sessions", "PutItem")];
            let (table, operation) = dice.pick(&calls);
            let mode = dice.pick(&[Mode::Error, Mode::Throttle, Mode::LostReply, Mode::Timeout]);
            let times = u32::try_from(1 + dice.roll(4)).expect("few");
            world.fault(Fault::always(mode).table(table).operation(operation).after(times).times(times));
        }
        world.fault(Fault::always(Mode::Shuffle));
        let (hashes, sessions) = (world.hashes(), world.items("sessions").await.len());
        let mut running = JoinSet::new();
        for _ in 0..8 {
            let (who, password) = (world.stranger(), dice.pick(&[PASSWORD, "wrong", "wrong"]));
            running.spawn(async move { (password == PASSWORD, who.login(NAMES[0], password).await) });
        }
        let replies = running.join_all().await;
        world.stack().faults().clear();

        let refused_ones =
            check_replies(&replies, &context, world.hashes() - hashes, world.items("sessions").await.len() - sessions);
        let stored = world.counter("account#").await.map_or(0, |lane| number(&lane["settled"]) - number(&lane["forgotten"]));
        // A right password settles its success even when the session cannot be stored: 503, and the failures before are forgotten.
        let may_forget = replies.iter().any(|(right, reply)| *right && matches!(reply.status(), 200 | 503));
        if !may_forget {
            assert!(stored >= stored_before + refused_ones, "{context}: {stored} stored, {stored_before} + {refused_ones} failed");
        }
        stored_before = stored;
        world.advance(dice.roll(70));
    }
    world.advance(3_700);
    assert_eq!(world.stranger().login(NAMES[0], PASSWORD).await.status(), 200, "seed {seed}: the owner gets in at the end");
}

fn number(value: &serde_json::Value) -> usize {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_with_faults_keep_the_invariants() {
    for seed in 100..108 {
        crowd(seed).await;
    }
}
