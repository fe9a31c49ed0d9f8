//! Makes accounts out of nothing, for trying things: `POST /__local/accounts`.

use std::sync::Arc;
use std::time::Duration;

use palisade_cloud::accounts::{Accounts, Created};
use palisade_core::hashing::{self, Normalization, SALT_BYTES, StoredPassword};
use palisade_core::history::{Digest, Past};
use palisade_core::{Account, Identifier, IdentityKey, Password, Policy, Role, Status, Subject, Timestamp, Zone};
use palisade_flows::Entropy;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An account to make. A password is hashed at the policy's cost; an `encoded` one is stored as it is, unchecked.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The name to sign in with.
    pub identifier: String,
    /// Where notices go.
    #[serde(default)]
    pub email: Option<String>,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
    /// Given name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// Where its owner lives, as an IANA time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The password; without this and `encoded` nobody can sign in.
    #[serde(default)]
    pub password: Option<String>,
    /// An encoded hash, read as imported: the password's bytes as received.
    #[serde(default)]
    pub encoded: Option<String>,
    /// `regular`, `staff` or `superuser`.
    #[serde(default)]
    pub role: Option<String>,
    /// `active` or `disabled`.
    #[serde(default)]
    pub status: Option<String>,
    /// Seconds since the epoch or RFC 3339; now by default.
    #[serde(default)]
    pub created_at: Option<Moment>,
    /// The same; never by default.
    #[serde(default)]
    pub password_changed_at: Option<Moment>,
}

/// A time in either of two spellings.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Moment {
    /// Seconds since the epoch.
    Seconds(i64),
    /// RFC 3339.
    Text(String),
}

/// Why no account was made.
#[derive(Debug)]
pub(crate) enum Refused {
    Invalid(String),
    Taken,
    Failed(String),
}

/// What accounts are made with.
pub(crate) struct Maker {
    pub(crate) accounts: Accounts,
    pub(crate) identity_key: Arc<IdentityKey>,
    pub(crate) policy: Policy,
    pub(crate) entropy: Entropy,
}

impl Maker {
    /// Makes `new` and returns its public id.
    pub(crate) async fn make(&self, new: NewAccount, now: Timestamp) -> Result<String, Refused> {
        let account = self.account(new, now)?;
        match self.accounts.create(&account).await {
            Ok(Created::New) => Ok(account.subject.as_str().to_owned()),
            Ok(Created::Exists) => Err(Refused::Taken),
            Err(fault) => Err(Refused::Failed(fault.chain())),
        }
    }

    fn account(&self, new: NewAccount, now: Timestamp) -> Result<Account, Refused> {
        let identifier = Identifier::parse(&new.identifier).map_err(|error| Refused::Invalid(format!("identifier {error}")))?;
        let (password, digest) = match (new.password, new.encoded) {
            (Some(_), Some(_)) => return Err(Refused::Invalid("password and encoded exclude each other".into())),
            (Some(password), None) => self.hash(&password).map(|(stored, digest)| (Some(stored), Some(digest)))?,
            (None, encoded) => (encoded.map(|encoded| StoredPassword { encoded, normalization: Normalization::Raw }), None),
        };
        let (current_digest, history_salt) = digest.unzip();
        let role = word(new.role, Role::parse, Role::Regular, "role")?;
        let time_zone =
            new.time_zone.map(|name| Zone::parse(&name).ok_or(Refused::Invalid("time_zone is not known".into()))).transpose()?;
        let status = word(new.status, Status::parse, Status::Active, "status")?;
        Ok(Account {
            key: self.identity_key.account_key(&identifier),
            subject: Subject::from_random(self.entropy.bytes()),
            identifier: identifier.as_str().to_owned(),
            // As a sign-up makes it: a name that is an address is where notices go.
            email: new.email.or_else(|| Some(new.identifier.clone()).filter(|name| name.contains('@'))),
            username: new.username,
            first_name: new.first_name,
            last_name: new.last_name,
            time_zone,
            role,
            status,
            created_at: moment(new.created_at)?.unwrap_or(now),
            password,
            password_changed_at: moment(new.password_changed_at)?,
            current_digest,
            history_salt,
            breach_unchecked: false,
            must_change: None,
            auth_version: u64::from_be_bytes(self.entropy.bytes()) >> 1,
            devices_not_before: Timestamp::EPOCH,
            pool: palisade_core::account::PoolUser::default(),
        })
    }

    /// The hash, and the digest for the history with its salt.
    fn hash(&self, password: &str) -> Result<(StoredPassword, (Digest, [u8; SALT_BYTES])), Refused> {
        let password = Password::new(password).ok_or(Refused::Invalid("password is longer than 1024 bytes".into()))?;
        let failed = |error: hashing::HashError| Refused::Failed(error.to_string());
        let stored = hashing::hash(&password, &self.entropy.bytes(), &self.policy.argon2).map_err(failed)?;
        let compared = Past::nothing().compare(&password, self.entropy.bytes(), &self.policy.argon2).map_err(failed)?;
        Ok((stored, (compared.digest, compared.salt)))
    }
}

fn word<T>(given: Option<String>, parse: impl Fn(&str) -> Option<T>, default: T, name: &str) -> Result<T, Refused> {
    match given {
        None => Ok(default),
        Some(word) => parse(&word).ok_or_else(|| Refused::Invalid(format!("{name} is not known"))),
    }
}

fn moment(given: Option<Moment>) -> Result<Option<Timestamp>, Refused> {
    let parsed = given.map(|moment| match moment {
        Moment::Seconds(seconds) => Ok(Timestamp::from_seconds(seconds)),
        Moment::Text(text) => OffsetDateTime::parse(&text, &Rfc3339)
            .map(|at| Timestamp::EPOCH.plus(Duration::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0))))
            .map_err(|_| Refused::Invalid("times are seconds since the epoch or RFC 3339".into())),
    });
    parsed.transpose()
}
