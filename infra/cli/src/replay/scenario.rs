//! Made-up logs of attacks and of ordinary people in awkward places, with the truth beside every attempt.
//!
//! Each is played against a policy while it is made, since what people do depends on what they are told: whoever is refused comes back
//! when they were told to, and whoever got in once has a known device.

use std::collections::HashSet;
use std::time::Duration;

use clap::ValueEnum;
use palisade_core::{ClientIp, Policy, Timestamp};

use super::attempt::{Attempt, Recorded, Truth};
use super::simulation::{Played, Simulation};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// A list of stolen passwords, one in fifty right, fifty from each address: two hundred addresses.
    Stuffing,
    /// One address, one password, five hundred names.
    Spray,
    /// One guess per account and hour, from two hundred addresses.
    LowAndSlow,
    /// Somebody fails at one account all day, and its owner logs in every half hour from a known device.
    LockTheBoss,
    /// Five hundred people behind one address sign in within an hour; one in twenty-five mistypes first.
    NatOffice,
    /// One person on a phone whose address changes every ten minutes.
    MobileHopping,
}

/// The start of every scenario: a Monday, 8:00 UTC.
const START_S: i64 = 1_799_654_400;

/// A repeatable source of chance (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Plays `scenario` against `policy`, `size` attempts or people of it, and hands out every attempt as it was recorded.
pub fn play(scenario: Scenario, policy: &Policy, size: u32, seed: u64, mut out: impl FnMut(&Attempt)) {
    let mut stage = Stage { simulation: Simulation::new(policy, &[]), known: HashSet::new(), dice: Dice(seed), out: &mut out };
    match scenario {
        Scenario::Stuffing => stage.stuffing(size),
        Scenario::Spray => stage.spray(size),
        Scenario::LowAndSlow => stage.low_and_slow(size),
        Scenario::LockTheBoss => stage.lock_the_boss(size),
        Scenario::NatOffice => stage.nat_office(size),
        Scenario::MobileHopping => stage.mobile_hopping(size),
    }
}

impl Scenario {
    /// How many attempts or people it has when nobody says.
    pub fn usual_size(self) -> u32 {
        match self {
            Self::Stuffing | Self::LockTheBoss => 10_000,
            Self::LowAndSlow => 4_800,
            Self::Spray | Self::NatOffice => 500,
            Self::MobileHopping => 48,
        }
    }
}

struct Stage<'a> {
    simulation: Simulation<'a>,
    /// Who has a known device.
    known: HashSet<String>,
    dice: Dice,
    out: &'a mut dyn FnMut(&Attempt),
}

/// Somebody at an address.
struct Who {
    account: String,
    ip: ClientIp,
    attacker: bool,
}

fn address(number: u32) -> ClientIp {
    let [_, a, b, c] = number.to_be_bytes();
    ClientIp::Known([10, a, b, c].into())
}

fn at(after: Duration) -> Timestamp {
    Timestamp::from_seconds(START_S).plus(after)
}

impl Stage<'_> {
    fn attempt(&mut self, who: &Who, right: bool, now: Timestamp) -> Played {
        let device = (!who.attacker && self.known.contains(&who.account)).then(|| format!("device-of-{}", who.account));
        let truth = Some(Truth { attacker: who.attacker, right });
        let mut attempt = Attempt { at: now, account: who.account.clone(), ip: who.ip, device, recorded: None, truth };
        let played = self.simulation.play(&attempt);
        attempt.recorded = Some(match played {
            Played::Refused(reason) => Recorded::Refused(reason),
            Played::Tried if right => Recorded::Success,
            Played::Tried => Recorded::Failure,
        });
        if attempt.recorded == Some(Recorded::Success) && !who.attacker {
            self.known.insert(who.account.clone());
        }
        (self.out)(&attempt);
        played
    }

    fn stuffing(&mut self, size: u32) {
        for n in 0..size {
            let right = self.dice.roll(50) == 0;
            // Fifty attempts an address, whatever the size.
            let who = Who { account: format!("leaked-{n}"), ip: address(n % (size / 50).max(1)), attacker: true };
            self.attempt(&who, right, at(Duration::from_millis(u64::from(n) * 360)));
        }
    }

    fn spray(&mut self, size: u32) {
        for n in 0..size {
            let who = Who { account: format!("person-{n}"), ip: address(1), attacker: true };
            let right = self.dice.roll(100) == 0;
            self.attempt(&who, right, at(Duration::from_secs(u64::from(n))));
        }
    }

    fn low_and_slow(&mut self, size: u32) {
        for n in 0..size {
            let who = Who { account: format!("person-{}", n % 200), ip: address(n % 200), attacker: true };
            let moment = Duration::from_secs(u64::from(n / 200) * 3_600 + u64::from(n % 200) * 15);
            self.attempt(&who, false, at(moment));
        }
    }

    /// The attacker comes every few seconds from ever new addresses, the boss's own among them.
    fn lock_the_boss(&mut self, size: u32) {
        let boss = Who { account: "boss".into(), ip: address(1), attacker: false };
        self.attempt(&boss, true, at(Duration::ZERO));
        for n in 0..size {
            let now = at(Duration::from_secs(60 + u64::from(n) * 8));
            let ip = if self.dice.roll(4) == 0 { boss.ip } else { address(100 + n) };
            self.attempt(&Who { account: "boss".into(), ip, attacker: true }, false, now);
            if n % 225 == 224 {
                self.attempt(&boss, true, now.plus(Duration::from_millis(1)));
            }
        }
    }

    fn nat_office(&mut self, size: u32) {
        for n in 0..size {
            let who = Who { account: format!("colleague-{n}"), ip: address(1), attacker: false };
            let mut now = at(Duration::from_millis(u64::from(n) * 3_500_000 / u64::from(size.max(1))));
            if n % 25 == 0 && self.attempt(&who, false, now) == Played::Tried {
                now = now.plus(Duration::from_secs(2));
            }
            self.attempt(&who, true, now);
        }
    }

    /// Signs in again after each change of address, as `seed` makes them; now and then mistyped.
    fn mobile_hopping(&mut self, size: u32) {
        for n in 0..size {
            let who = Who { account: "traveller".into(), ip: address(1 + n), attacker: false };
            let mut now = at(Duration::from_secs(u64::from(n) * 600));
            if n % 6 == 5 && self.attempt(&who, false, now) == Played::Tried {
                now = now.plus(Duration::from_secs(2));
            }
            self.attempt(&who, true, now);
        }
    }
}
