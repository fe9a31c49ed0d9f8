//! Random stories against the whole function, checked after each step against a plain model. A failure prints its seed.

use acceptance::World;
use palisade_local::{Fault, Mode};

const PASSWORD: &str = "correct-Horse-7-battery";

/// A small generator of our own (SplitMix64), so that a seed means the same story for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// What an observer of one name's lane knows.
#[derive(Default)]
struct Model {
    failures_since_success: u64,
    delayed_until: u64,
}

async fn story(seed: u64) {
    let world = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000_000).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let names = ["alice@example.com", "nobody@example.com"];
    let (mut dice, mut now) = (Dice(seed), 0_u64);
    let mut models = [Model::default(), Model::default()];
    for step in 0..120 {
        let who = usize::try_from(dice.roll(2)).expect("small");
        let (name, model) = (names[who], &mut models[who]);
        let context = format!("seed {seed}, step {step}, {name}");
        let password = if dice.roll(4) == 0 { PASSWORD } else { "wrong" };
        let right = password == PASSWORD && who == 0;
        let faulty = dice.roll(8) == 0;
        if faulty {
            let modes = [Mode::Error, Mode::Throttle, Mode::Malformed];
            let mode = modes[usize::try_from(dice.roll(3)).expect("small")];
            let (table, operation) =
                [("accounts", "GetItem"), ("counters", "GetItem"), ("counters", "UpdateItem"), ("sessions", "PutItem")]
                    [usize::try_from(dice.roll(4)).expect("small")];
            world.fault(Fault::always(mode).table(table).operation(operation));
        }
        let before = (world.hashes(), world.items("sessions").await.len());
        let reply = world.stranger().login(name, password).await;
        world.stack().faults().clear();
        let hashes = world.hashes() - before.0;
        let sessions = world.items("sessions").await.len() - before.1;
        match reply.status() {
            200 => {
                assert!(right && now >= model.delayed_until && hashes == 1 && sessions == 1, "{context}");
                *model = Model { delayed_until: model.delayed_until, ..Model::default() };
            }
            401 => {
                assert!(!right && now >= model.delayed_until && hashes == 1 && sessions == 0, "{context}");
                model.failures_since_success += 1;
                model.delayed_until = now + (1 << (model.failures_since_success - 1).min(6)).min(60);
            }
            429 => {
                assert!(now < model.delayed_until && hashes == 0 && sessions == 0, "{context}: {}", reply.text);
                assert_eq!(reply.retry_after(), model.delayed_until - now, "{context}");
            }
            503 => {
                assert!(faulty && sessions == 0, "{context}: {}", reply.text);
                if hashes == 1 {
                    // The session could not be stored, but the try was settled as what it was.
                    assert!(right, "{context}");
                    model.failures_since_success = 0;
                }
            }
            other => panic!("{context}: {other} {}", reply.text),
        }
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
