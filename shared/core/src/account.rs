//! What an account is to the rules: who it is, what it may do, whether it is alive.

use std::time::Duration;

use crate::hashing::{self, SALT_BYTES, StoredPassword};
use crate::history::Digest;
use crate::keys::AccountKey;
use crate::password::Attributes;
use crate::timestamp::Timestamp;
use crate::zone::Zone;

/// The public account id: a random UUID that survives a change of the identifier and says nothing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// A version 4 UUID from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
    }

    /// `None` unless `text` is a UUID in its usual form.
    pub fn parse(text: &str) -> Option<Self> {
        let parsed = uuid::Uuid::try_parse(text).ok()?;
        (parsed.to_string() == text).then(|| Self(text.to_owned()))
    }

    /// The UUID's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Itself only.
    Regular,
    /// Incidents as well.
    Staff,
    /// Everything an operator may do.
    Superuser,
}

impl Role {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Staff => "staff",
            Self::Superuser => "superuser",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Regular, Self::Staff, Self::Superuser].into_iter().find(|role| role.as_str() == word)
    }
}

/// Whether an account may sign in at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// Switched off by an operator; to everybody else it looks like a wrong password.
    Disabled,
}

impl Status {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == word)
    }
}

/// Why a session may do nothing but change the password (requirement r14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MustChange {
    /// It was found in a breach after it had been set.
    Breached,
    /// An operator asked for it.
    Required,
    /// It is too old.
    Expired,
}

impl MustChange {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Breached => "breached",
            Self::Required => "required",
            Self::Expired => "expired",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Breached, Self::Required, Self::Expired].into_iter().find(|reason| reason.as_str() == word)
    }
}

/// What a Cognito user pool's triggers told of an account.
#[derive(Debug, Clone, Default)]
pub struct PoolUser {
    /// The address or name it was made for, as it is written in the pool; `None` for one that no trigger told of.
    pub spelling: Option<String>,
    /// When it last signed in to the pool.
    pub authenticated_at: Option<Timestamp>,
    /// [`Account::auth_version`] at that time: what moves it on ends the pool's sessions as well.
    pub authenticated_under: Option<u64>,
    /// When a new password was last set there with a code.
    pub password_set_at: Option<Timestamp>,
    /// Its move into the pool.
    pub migration: Option<Migration>,
}

/// A move into a user pool.
#[derive(Debug, Clone)]
pub struct Migration {
    /// When the trigger last let it in.
    pub started_at: Timestamp,
    /// How.
    pub outcome: MigrationOutcome,
    /// The password it came with, until it signs in there.
    pub password: Option<StoredPassword>,
}

/// How somebody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationOutcome {
    /// With the old password.
    Confirmed,
    /// To choose another one, since the old one breaks a rule or was not given.
    Weak,
    /// The same, since the old one is known from breaches.
    Breached,
}

impl MigrationOutcome {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Weak => "weak",
            Self::Breached => "breached",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Confirmed, Self::Weak, Self::Breached].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// One account, as far as signing in needs it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The storage key.
    pub key: AccountKey,
    /// The public id.
    pub subject: Subject,
    /// The canonical identifier it was made for.
    pub identifier: String,
    /// Where notices go; `None` when nothing is known.
    pub email: Option<String>,
    /// The user name, where it is not the identifier.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Where its owner lives; the deployment's zone where nothing is known.
    pub time_zone: Option<Zone>,
    /// What it may do.
    pub role: Role,
    /// Whether it may sign in.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// The stored password; `None` when there is none to be right with.
    pub password: Option<StoredPassword>,
    /// When the password was last set; `None` for never since the account was made.
    pub password_changed_at: Option<Timestamp>,
    /// The current password under the history salt; `None` for one that came with an import.
    pub current_digest: Option<Digest>,
    /// The salt of the account's history; `None` until a password is set here.
    pub history_salt: Option<[u8; SALT_BYTES]>,
    /// Whether the breach service did not answer when the password was set: asked again at the next login.
    pub breach_unchecked: bool,
    /// Why the password must be changed, beside its age.
    pub must_change: Option<MustChange>,
    /// Sessions carry the version they were issued under and die when it moves on.
    pub auth_version: u64,
    /// Device tokens issued before this are dead.
    pub devices_not_before: Timestamp,
    /// What a user pool's triggers told of it.
    pub pool: PoolUser,
}

impl Account {
    /// Why the password must be changed before anything else; it expires at `max_age`, never where there is none.
    pub fn must_change(&self, now: Timestamp, max_age: Option<Duration>) -> Option<MustChange> {
        let set_at = self.password_changed_at.unwrap_or(self.created_at);
        let expired = max_age.is_some_and(|max_age| now >= set_at.plus(max_age));
        self.must_change.or(expired.then_some(MustChange::Expired))
    }

    /// Whether there is a password to be right with; Django marks accounts without one.
    pub fn has_password(&self) -> bool {
        self.password.as_ref().is_some_and(|password| !hashing::is_unusable(&password.encoded))
    }

    /// What a new password is compared with.
    pub fn attributes(&self) -> Attributes<'_> {
        // The identifier is the e-mail address or the user name.
        let (is_email, identifier) = (self.identifier.contains('@'), Some(self.identifier.as_str()));
        Attributes {
            username: self.username.as_deref().or(identifier.filter(|_| !is_email)),
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            email: self.email.as_deref().or(identifier.filter(|_| is_email)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::identifier::Identifier;
    use crate::keys::IdentityKey;

    /// An account of which nothing special is known.
    pub(crate) fn account() -> Account {
        let identifier = Identifier::parse("alice@example.com").expect("a name");
        Account {
            key: IdentityKey::parse("an-identity-key-of-32-characters").expect("a key").account_key(&identifier),
            subject: Subject::from_random([1; 16]),
            identifier: identifier.as_str().to_owned(),
            email: None,
            username: None,
            first_name: None,
            last_name: None,
            time_zone: None,
            role: Role::Regular,
            status: Status::Active,
            created_at: Timestamp::EPOCH,
            password: None,
            password_changed_at: None,
            current_digest: None,
            history_salt: None,
            breach_unchecked: false,
            must_change: None,
            auth_version: 1,
            devices_not_before: Timestamp::EPOCH,
            pool: PoolUser::default(),
        }
    }

    #[test]
    fn a_subject_is_a_random_uuid() {
        let subject = Subject::from_random([0xab; 16]);
        assert_eq!(subject.as_str(), "abababab-abab-4bab-abab-abababababab");
        assert_eq!(Subject::parse(subject.as_str()), Some(subject));
        assert_eq!(Subject::parse("ABABABAB-ABAB-4BAB-ABAB-ABABABABABAB"), None);
    }

    #[test]
    fn words_round_trip() {
        for role in [Role::Regular, Role::Staff, Role::Superuser] {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for status in [Status::Active, Status::Disabled] {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Role::parse("admin"), None);
    }
}
