//! The simulation's eighth invariant: each incident reaches every channel at least once and, per milestone, at most once; a kill between
//! sending and recording may cause one repeat. Random faults, duplicates, old records and parallel batches; a failure prints its seed.

use std::collections::BTreeMap;

use acceptance::{Dice, World};
use palisade_core::incident::{IncidentKind, milestone};
use palisade_local::{Fault, Mode};
use serde_json::Value;

/// Longer than a claim keeps others away.
const AFTER_A_CLAIM: u64 = 61;

/// How often each milestone of each incident was told: on the topic, and by the webhook.
fn told(world: &World) -> [BTreeMap<(String, u64), usize>; 2] {
    let count = |alerts: Vec<Value>| {
        let mut told = BTreeMap::new();
        for alert in alerts {
            let id = alert["incident_id"].as_str().expect("an id").to_owned();
            *told.entry((id, alert["milestone"].as_u64().expect("a milestone"))).or_default() += 1;
        }
        told
    };
    let topic = world.stack().sns().published().iter().map(|message| serde_json::from_str(&message.body).expect("JSON")).collect();
    let taken = world.stack().webhooks().received().into_iter().filter(|received| received.status == 200);
    let webhook = taken.map(|received| serde_json::from_str(&received.body).expect("JSON")).collect();
    [count(topic), count(webhook)]
}

struct Story {
    world: World,
    dice: Dice,
    incidents: Vec<(String, u64)>,
    /// Every record that there ever was.
    records: Vec<Value>,
    /// Faults of the store that can part a message from its mark.
    store_faults: usize,
}

impl Story {
    async fn step(&mut self, store_fails: bool) {
        match self.dice.roll(8) {
            0 if self.incidents.len() < 4 => {
                let subject = format!("192.0.2.{}", self.incidents.len());
                let id = self.world.open_incident(IncidentKind::BruteForce, &subject, 1).await;
                self.happened(id, 1);
            }
            1 | 2 if !self.incidents.is_empty() => {
                let place = self.dice.place(self.incidents.len());
                let (id, before) = self.incidents[place].clone();
                let occurrences = before + self.dice.pick(&[1, 8, 90, 900]);
                self.world.happened(&id, occurrences).await;
                self.incidents[place].1 = occurrences;
                self.happened(id, occurrences);
            }
            3 => self.world.advance(self.dice.roll(20)),
            4 => {
                let mode = self.dice.pick(&[Mode::Error, Mode::Throttle, Mode::Status(500)]);
                let times = u32::try_from(1 + self.dice.roll(3)).expect("few");
                if self.dice.roll(2) == 0 {
                    self.world.stack().sns().inject(Fault::always(mode).times(times));
                } else {
                    self.world.stack().webhooks().inject(Fault::always(mode).times(times));
                }
            }
            5 if store_fails => {
                let mode = self.dice.pick(&[Mode::Error, Mode::Throttle, Mode::Panic, Mode::Killed, Mode::LostReply]);
                let after = u32::try_from(self.dice.roll(8)).expect("few");
                self.world.fault(Fault::always(mode).after(after).times(2));
                self.store_faults += 2;
            }
            _ => self.deliver().await,
        }
    }

    fn happened(&mut self, id: String, occurrences: u64) {
        self.records.push(self.world.incident_record(&id, occurrences, self.records.len()));
        if !self.incidents.iter().any(|(known, _)| *known == id) {
            self.incidents.push((id, occurrences));
        }
    }

    /// Some records, some of them twice, in any order, perhaps to two environments at once.
    async fn deliver(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let picked = |story: &mut Self| -> Vec<Value> {
            (0..=story.dice.roll(5)).map(|_| story.records[story.dice.place(story.records.len())].clone()).collect()
        };
        let (one, two) = (picked(self), picked(self));
        if self.dice.roll(3) == 0 {
            let _ = tokio::join!(self.world.fan_out(&one), self.world.fan_out(&two));
        } else {
            self.world.fan_out(&one).await;
        }
    }

    /// Everything works again: what is left is told.
    async fn end(&mut self, seed: u64) {
        self.world.stack().faults().clear();
        self.world.stack().sns().clear();
        self.world.stack().webhooks().clear();
        self.world.advance(AFTER_A_CLAIM);
        let records = self.records.clone();
        assert!(self.world.fan_out(&records).await.is_empty(), "seed {seed}: nothing is left to come again");
        for told in told(&self.world) {
            for (id, occurrences) in &self.incidents {
                let due = milestone(*occurrences).expect("it happened");
                assert!(told.contains_key(&(id.clone(), due)), "seed {seed}: {id} at {due} was never told: {told:?}");
            }
            let repeats: usize = told.values().map(|times| times - 1).sum();
            assert!(repeats <= self.store_faults, "seed {seed}: {repeats} repeats, {} faults: {told:?}", self.store_faults);
        }
    }
}

async fn story(seed: u64, store_fails: bool) {
    let world = World::builder().setting("PALISADE_WEBHOOK_TIMEOUT_MS", 5_000).start().await;
    let mut story = Story { world, dice: Dice::new(seed), incidents: Vec::new(), records: Vec::new(), store_faults: 0 };
    for _ in 0..40 {
        story.step(store_fails).await;
    }
    story.end(seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_with_channels_that_fail_every_milestone_is_told_once() {
    for seed in 0..25 {
        story(seed, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_with_a_store_that_fails_and_kills_nothing_is_lost_and_repeats_are_the_faults_own() {
    for seed in 100..125 {
        story(seed, true).await;
    }
}

#[tokio::test]
async fn d16_a_fan_out_killed_at_any_call_loses_nothing_and_repeats_at_most_once() {
    for mode in [Mode::Panic, Mode::Killed] {
        let mut calls = 0;
        loop {
            let world = World::start().await;
            let id = world.open_incident(IncidentKind::BruteForce, "192.0.2.7", 1).await;
            let records = [world.incident_record(&id, 1, 1)];
            world.fault(Fault::always(mode).after(calls).times(1));
            let again = world.fan_out(&records).await;
            if again.is_empty() {
                break;
            }
            assert_eq!(again, ["1"], "{mode:?} at call {calls}: the batch comes again");
            world.stack().faults().clear();
            world.advance(AFTER_A_CLAIM);
            assert!(world.fan_out(&records).await.is_empty(), "{mode:?} at call {calls}");
            for told in told(&world) {
                let times = told[&(id.clone(), 1)];
                assert!((1..=2).contains(&times), "{mode:?} at call {calls}: told {times} times");
            }
            calls += 1;
        }
        assert_eq!(calls, 6, "two claims, two places, two marks");
    }
}
