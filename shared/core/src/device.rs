//! Devices an account has signed in from: a signed token, nothing stored.
//!
//! A known device has a throttle lane of its own, which strangers can neither fill nor close, and the limits of its address are counted
//! but do not refuse it (OWASP: device cookies). The token is `<key id>.<account key>.<device id>.<issued at>.<MAC>`.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::keys::{AccountKey, KeyRing, Use};
use crate::secret::SecretText;
use crate::timestamp::Timestamp;

/// A device whose token was signed by us for this account and has not run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    id: String,
    issued_at: Timestamp,
}

impl Device {
    /// A new device from 16 random bytes.
    pub fn new(bytes: [u8; 16], now: Timestamp) -> Self {
        Self { id: Base64UrlUnpadded::encode_string(&bytes), issued_at: now }
    }

    /// The same device with a token from now on.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Self {
        Self { id: self.id.clone(), issued_at: now }
    }

    /// Its id, part of its lane's key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is still known to an account that dropped all devices before `not_before`.
    pub fn known_since(&self, not_before: Timestamp) -> bool {
        self.issued_at.seconds() >= not_before.seconds()
    }

    /// The token for its owner.
    pub fn token(&self, keys: &KeyRing, account: &AccountKey) -> SecretText {
        let issued_at = self.issued_at.seconds().to_string();
        let tag = keys.sign(Use::Device, &[account.as_str().as_bytes(), self.id.as_bytes(), issued_at.as_bytes()]);
        let tag = Base64UrlUnpadded::encode_string(&tag);
        SecretText::new(format!("{}.{}.{}.{issued_at}.{tag}", keys.current_id(), account.as_str(), self.id))
    }

    /// The device that `token` proves for `account`; `None` when it is forged, someone else's, run out or from a clock far ahead.
    pub fn verify(token: &str, keys: &KeyRing, account: &AccountKey, now: Timestamp, lifetime: Duration) -> Option<Self> {
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let &[key_id, account_key, id, issued_at, tag] = parts.as_slice() else {
            return None;
        };
        if account_key != account.as_str() {
            return None;
        }
        let mut bytes = [0_u8; 32];
        let tag = (tag.len() == 43).then(|| Base64UrlUnpadded::decode(tag, &mut bytes).ok()).flatten()?;
        let signed: [&[u8]; 3] = [account_key.as_bytes(), id.as_bytes(), issued_at.as_bytes()];
        if !keys.verify(Use::Device, key_id, &signed, tag) {
            return None;
        }
        let issued_at = Timestamp::from_seconds(issued_at.parse().ok()?);
        let in_time = now < issued_at.plus(lifetime) && issued_at <= now.plus(crate::throttle::CLOCK_SKEW);
        in_time.then(|| Self { id: id.to_owned(), issued_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_hours(2160);
    const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn keys() -> KeyRing {
        KeyRing::parse("a-marked-fake-secret-for-tests-0001").unwrap()
    }

    fn account(text: &str) -> AccountKey {
        AccountKey::parse(text).unwrap()
    }

    #[test]
    fn a21_only_the_accounts_own_unexpired_untampered_token_is_a_device() {
        let (keys, owner, other) = (keys(), account("AAAAAAAAAAAAAAAAAAAAAA"), account("AAAAAAAAAAAAAAAAAAAAAQ"));
        let device = Device::new([3; 16], NOON);
        let token = device.token(&keys, &owner);
        let check = |token: &str, whose: &AccountKey, now| Device::verify(token, &keys, whose, now, LIFETIME);
        assert_eq!(check(token.expose(), &owner, NOON), Some(device));
        assert_eq!(check(token.expose(), &other, NOON), None, "foreign");
        assert_eq!(check(token.expose(), &owner, NOON.plus(LIFETIME)), None, "expired");
        assert_eq!(check(token.expose(), &owner, NOON.minus(LIFETIME)), None, "from the future");
        let mine = token.expose().replace(owner.as_str(), other.as_str());
        assert_eq!(check(&mine, &other, NOON), None, "forged");
        for place in 0..token.expose().len() {
            let mut bytes = token.expose().as_bytes().to_vec();
            bytes[place] ^= 1;
            assert_eq!(check(&String::from_utf8(bytes).unwrap(), &owner, NOON), None, "changed at {place}");
        }
    }

    #[test]
    fn devices_issued_before_the_accounts_mark_are_dead() {
        let device = Device::new([3; 16], NOON);
        assert!(device.known_since(NOON));
        assert!(!device.known_since(NOON.plus(Duration::from_secs(1))));
        assert!(device.renewed(NOON.plus(Duration::from_secs(1))).known_since(NOON.plus(Duration::from_secs(1))));
    }
}
