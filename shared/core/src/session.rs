//! A session as it is issued: its token, and what is stored of it.
//!
//! The token is `<account_key>.<secret>`, the secret 32 random bytes in base64url. Only SHA-256 of the secret is stored, so that whoever
//! reads the table holds nothing that signs in (CWE-522; ASVS 7.2.2).

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::account::Account;
use crate::anomaly::Anomaly;
use crate::assess::Seen;
use crate::client_ip::ClientIp;
use crate::keys::AccountKey;
use crate::policy::SessionRules;
use crate::secret::{SecretBytes, SecretText};
use crate::timestamp::Timestamp;
use crate::user_agent::UserAgent;
use std::time::Duration;

/// Where a session is stored: the account's key and the secret's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// Whose session.
    pub account_key: AccountKey,
    /// SHA-256 of the secret, base64url.
    pub secret_hash: String,
}

impl SessionKey {
    /// The key of the session that `token` stands for; `None` unless it has exactly the form of one, so that nothing else of a client
    /// ever becomes a key in the store.
    pub fn of_token(token: &str) -> Option<Self> {
        let (account_key, secret) = token.split_once('.')?;
        let account_key = AccountKey::parse(account_key)?;
        let mut bytes = [0_u8; 32];
        let decoded = (secret.len() == 43).then(|| Base64UrlUnpadded::decode(secret, &mut bytes).ok().map(<[u8]>::len)).flatten();
        (decoded == Some(32)).then(|| Self::new(account_key, &SecretBytes::new(bytes)))
    }

    fn new(account_key: AccountKey, secret: &SecretBytes) -> Self {
        Self { account_key, secret_hash: Base64UrlUnpadded::encode_string(&secret.digest()) }
    }
}

/// What is stored of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Where.
    pub key: SessionKey,
    /// The account's version it was issued under; it dies when that moves on.
    pub auth_version: u64,
    /// When the password was given.
    pub auth_time: Timestamp,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
    /// When it last went along to another network or browser.
    pub moved_at: Option<Timestamp>,
    /// Where from.
    pub ip: String,
    /// The browser's name, cut, and the hash of all of it.
    pub user_agent: UserAgent,
    /// The earlier of its idle and absolute ends.
    pub expires_at: Timestamp,
}

/// What stands under a session's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// A session.
    Session(Session),
    /// What a rotation left behind.
    Tombstone {
        /// When.
        replaced_at: Timestamp,
        /// The account's version after it.
        auth_version: u64,
    },
}

/// How long a rotation's tombstone is kept: a day (CASES SE14), or as long as a session can live where that is longer.
pub fn tombstone_lifetime(rules: &SessionRules) -> Duration {
    rules.absolute.max(Duration::from_hours(24))
}

/// A session just issued.
#[derive(Debug)]
pub struct Issued {
    /// What to store.
    pub session: Session,
    /// What the client gets, once.
    pub token: SecretText,
    /// The absolute end, never extended.
    pub ends_at: Timestamp,
}

/// A session handed out, with everything its owner gets.
#[derive(Debug)]
pub struct Granted {
    /// The account's public id.
    pub account_id: String,
    /// The session's token.
    pub token: SecretText,
    /// The token for state-changing requests of a cookie session.
    pub csrf_token: SecretText,
    /// The device's token.
    pub device_token: SecretText,
    /// The session's absolute end.
    pub expires_at: Timestamp,
    /// Without use for so long it ends earlier.
    pub idle_timeout: Duration,
    /// How long the device stays known.
    pub device_lifetime: Duration,
    /// Whether the session may do nothing but change the password.
    pub password_change_required: bool,
    /// What is unusual about the login.
    pub anomalies: Vec<Anomaly>,
}

/// The successor of `old`, for whoever gave the password as `seen`: a new secret under `auth_version`, the same absolute end.
pub fn rotate(old: &Session, seen: &Seen, auth_version: u64, secret: &SecretBytes, now: Timestamp, rules: &SessionRules) -> Issued {
    let key = SessionKey::new(old.key.account_key.clone(), secret);
    let ends_at = old.created_at.plus(rules.absolute);
    let token = token(&key.account_key, secret);
    let expires_at = ends_at.min(now.plus(rules.idle));
    let session = Session {
        key,
        auth_version,
        auth_time: now,
        created_at: old.created_at,
        last_seen: now,
        moved_at: old.moved_at,
        ip: seen.ip.to_string(),
        user_agent: seen.user_agent.clone(),
        expires_at,
    };
    Issued { session, token, ends_at }
}

fn token(account: &AccountKey, secret: &SecretBytes) -> SecretText {
    SecretText::new(format!("{}.{}", account.as_str(), Base64UrlUnpadded::encode_string(secret.expose())))
}

/// Issues a session of `account` from 32 random bytes.
pub fn issue(
    account: &Account,
    ip: ClientIp,
    user_agent: UserAgent,
    secret: &SecretBytes,
    now: Timestamp,
    rules: &SessionRules,
) -> Issued {
    let key = SessionKey::new(account.key.clone(), secret);
    let ends_at = now.plus(rules.absolute);
    Issued {
        session: Session {
            key,
            auth_version: account.auth_version,
            auth_time: now,
            created_at: now,
            last_seen: now,
            moved_at: None,
            ip: ip.to_string(),
            user_agent,
            expires_at: ends_at.min(now.plus(rules.idle)),
        },
        token: token(&account.key, secret),
        ends_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn token(secret: [u8; 32]) -> String {
        format!("{KEY}.{}", Base64UrlUnpadded::encode_string(&secret))
    }

    #[test]
    fn se29_the_stored_hash_is_not_the_secret_and_no_token() {
        let key = SessionKey::of_token(&token([9; 32])).unwrap();
        assert_ne!(key.secret_hash, Base64UrlUnpadded::encode_string(&[9; 32]));
        let replayed = SessionKey::of_token(&format!("{KEY}.{}", key.secret_hash)).unwrap();
        assert_ne!(replayed.secret_hash, key.secret_hash);
    }

    #[test]
    fn se21_every_single_bit_change_is_another_session_or_none() {
        let original = token([9; 32]);
        let key = SessionKey::of_token(&original);
        for place in 0..original.len() {
            for bit in 0..8 {
                let mut bytes = original.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert_ne!(SessionKey::of_token(&changed), key, "{changed}");
                }
            }
        }
    }

    #[test]
    fn se21_the_secret_of_one_account_is_no_session_of_another() {
        let other = SessionKey::of_token(&token([9; 32]).replacen(KEY, "BBBBBBBBBBBBBBBBBBBBBA", 1)).unwrap();
        let key = SessionKey::of_token(&token([9; 32])).unwrap();
        assert!(other.secret_hash == key.secret_hash && other != key);
    }

    #[test]
    fn se23_only_the_exact_form_is_a_token() {
        let good = token([9; 32]);
        let secret = Base64UrlUnpadded::encode_string(&[9; 32]);
        assert!(SessionKey::of_token(&good).is_some());
        for account_part in
            ["", "short", "AAAAAAAAAAAAAAAAAAAAA#", "AAAAAAAAAAAAAAAAAAAAA\0", "AAAAAAAAAAAAAAAAAAAAAB", &"A".repeat(3_000)]
        {
            assert_eq!(SessionKey::of_token(&format!("{account_part}.{secret}")), None, "{account_part:.40}");
        }
        let long = format!("{good}{}", "A".repeat(3_000));
        for bad in ["", ".", KEY, &format!("{KEY}."), &format!("{good}.x"), &good.replace('.', "#"), &format!("{good}="), &long] {
            assert_eq!(SessionKey::of_token(bad), None, "{bad:.80}");
        }
    }
}
