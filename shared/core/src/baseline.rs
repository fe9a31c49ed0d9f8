//! How somebody usually signs in: when and from where the last logins were (requirement r49).
//!
//! One set of short entries per account, so that a login is one atomic addition that also tells what was there before. It is bounded:
//! a set that is full is cut to what the detectors can still need.

use std::collections::BTreeSet;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::client_ip::IpPrefix;
use crate::timestamp::Timestamp;

/// The most entries of a set: with 20 bytes each the item stays below 1 KB, one write unit.
pub const MOST_ENTRIES: usize = 40;

/// How far back addresses are told apart (requirement r46).
pub const ADDRESSES_WITHIN: Duration = Duration::from_hours(24);

/// How far back logins are counted (requirement r44).
pub const LOGINS_WITHIN: Duration = Duration::from_hours(1);

/// How many logins of the last hour, and how many addresses of the day, survive a cut: more than any limit that can be set.
const KEPT: usize = 12;

/// One login.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    at: Timestamp,
    /// What stands for the address: 6 characters.
    from: String,
    /// What tells two logins of one moment and address apart: 2 characters.
    nonce: String,
}

impl Login {
    /// A login at `at` from `prefix`; `nonce` is random.
    pub fn new(at: Timestamp, prefix: &IpPrefix, nonce: [u8; 2]) -> Self {
        let digest = Base64UrlUnpadded::encode_string(&Sha256::digest(prefix.as_str()));
        let nonce = Base64UrlUnpadded::encode_string(&nonce);
        Self { at, from: digest.chars().take(6).collect(), nonce: nonce.chars().take(2).collect() }
    }

    /// Its stored text.
    pub fn encode(&self) -> String {
        format!("{:x}.{}{}", self.at.millis().max(0), self.from, self.nonce)
    }

    /// `None` for what [`Login::encode`] never makes.
    pub fn decode(text: &str) -> Option<Self> {
        let (at, rest) = text.split_once('.')?;
        let at = Timestamp::from_millis(i64::from_str_radix(at, 16).ok()?);
        let (from, nonce) = rest.split_at_checked(6)?;
        Some(Self { at, from: from.to_owned(), nonce: nonce.to_owned() })
    }
}

/// The logins that are known of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline(BTreeSet<Login>);

impl FromIterator<Login> for Baseline {
    fn from_iter<T: IntoIterator<Item = Login>>(logins: T) -> Self {
        Self(logins.into_iter().collect())
    }
}

impl Baseline {
    /// How many logins there were in the hour up to `now`.
    pub fn logins(&self, now: Timestamp) -> usize {
        self.within(LOGINS_WITHIN, now).count()
    }

    /// From how many addresses there were logins in the day up to `now`.
    pub fn addresses(&self, now: Timestamp) -> usize {
        self.within(ADDRESSES_WITHIN, now).map(|login| login.from.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// What the detectors can still need of it, with `login`: the newest of the last hour, and of the day the newest of each address.
    #[must_use]
    pub fn cut(&self, login: &Login) -> Self {
        let all = Self(self.0.iter().chain([login]).cloned().collect());
        let newest_first = || all.0.iter().rev();
        let recent = newest_first().filter(|known| login.at.since(known.at) < LOGINS_WITHIN).take(KEPT);
        let mut addresses = BTreeSet::new();
        let of_each = newest_first().filter(|known| login.at.since(known.at) < ADDRESSES_WITHIN);
        let of_each = of_each.filter(|known| addresses.insert(known.from.clone())).take(KEPT);
        Self(recent.cloned().chain(of_each.cloned()).collect())
    }

    /// Its entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Login> {
        self.0.iter()
    }

    fn within(&self, span: Duration, now: Timestamp) -> impl Iterator<Item = &Login> {
        self.0.iter().filter(move |login| now.since(login.at) < span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_ip::ClientIp;
    use proptest::prelude::*;

    const NOON: i64 = 1_800_000_000;

    fn login(seconds: i64, host: u8, nonce: u16) -> Login {
        let ip = ClientIp::Known([198, 51, 100, host].into());
        Login::new(Timestamp::from_seconds(NOON + seconds), &ip.prefix(), nonce.to_be_bytes())
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(NOON)
    }

    #[test]
    fn logins_count_for_an_hour_and_addresses_for_a_day() {
        let baseline: Baseline =
            [login(-3_600, 1, 0), login(-3_599, 2, 0), login(-86_399, 3, 0), login(-86_400, 4, 0)].into_iter().collect();
        assert_eq!((baseline.logins(now()), baseline.addresses(now())), (1, 3));
    }

    #[test]
    fn entries_round_trip_in_twenty_bytes_and_junk_is_none() {
        let one = login(0, 7, 0xbeef);
        assert_eq!((Login::decode(&one.encode()), one.encode().len()), (Some(one.clone()), 20));
        for junk in ["", ".", "12", "zz.aaaaaabb", "1.aaa"] {
            assert_eq!(Login::decode(junk), None, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_forgets_nothing_that_a_limit_could_ask_for(
            past in prop::collection::vec((0_i64..200_000, 0_u8..20, 0_u16..4), 0..60), ago in 0_i64..86_400
        ) {
            let baseline: Baseline = past.iter().map(|(ago, host, nonce)| login(-ago, *host, *nonce)).collect();
            let new = login(0, 21, 1);
            let whole: Baseline = baseline.iter().cloned().chain([new.clone()]).collect();
            let cut = baseline.cut(&new);
            prop_assert!(cut.iter().count() <= 2 * KEPT);
            let later = now().plus(Duration::from_secs(u64::try_from(ago).unwrap()));
            // Limits go to 11, so 12 and more are alike.
            prop_assert_eq!(cut.logins(later).min(12), whole.logins(later).min(12));
            prop_assert_eq!(cut.addresses(later).min(12), whole.addresses(later).min(12));
        }
    }
}
