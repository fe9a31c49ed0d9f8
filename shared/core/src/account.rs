//! What an account is to the rules: who it is, what it may do, whether it is alive.

use std::time::Duration;

use crate::hashing::StoredPassword;
use crate::keys::AccountKey;
use crate::timestamp::Timestamp;

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
    /// Sessions carry the version they were issued under and die when it moves on.
    pub auth_version: u64,
    /// Device tokens issued before this are dead.
    pub devices_not_before: Timestamp,
}

impl Account {
    /// Whether the password is older than `max_age` (requirement r14); never where there is no `max_age`.
    pub fn password_expired(&self, now: Timestamp, max_age: Option<Duration>) -> bool {
        let set_at = self.password_changed_at.unwrap_or(self.created_at);
        max_age.is_some_and(|max_age| now >= set_at.plus(max_age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
