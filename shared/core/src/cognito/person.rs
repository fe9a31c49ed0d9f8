//! Whom an event is about: what they are counted and kept under.

use crate::identifier::Identifier;
use crate::keys::{AccountKey, IdentityKey};

/// Somebody of a user pool, by the canonical form of their verified e-mail address, else of their user name: with an alias, a user name or
/// an address one comes to the same person, and to the one that Palisade's own login knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    spelling: String,
    identifier: Option<Identifier>,
}

impl Person {
    /// By the attributes and the user name of an event.
    pub fn of(user_name: &str, email: Option<&str>, email_is_verified: bool) -> Self {
        match email.filter(|_| email_is_verified) {
            Some(email) => Self::spelled(email),
            None => Self::spelled(user_name),
        }
    }

    /// By one name, as it was typed.
    pub fn spelled(name: &str) -> Self {
        Self { spelling: name.trim().to_owned(), identifier: Identifier::parse(name).ok() }
    }

    /// A user whose name looks like an address that nobody has verified: it makes them nobody whose address it is.
    pub fn unproven(name: &str) -> Self {
        Self { identifier: None, ..Self::spelled(name) }
    }

    /// The canonical form; `None` for a name that nobody could sign up with here: of mixed scripts, with signs, too long.
    pub fn identifier(&self) -> Option<&Identifier> {
        self.identifier.as_ref()
    }

    /// The name as it is written in the pool.
    pub fn spelling(&self) -> &str {
        &self.spelling
    }

    /// What is kept about them is kept under this key, whether or not they exist.
    pub fn key(&self, identity_key: &IdentityKey) -> AccountKey {
        match &self.identifier {
            Some(identifier) => identity_key.account_key(identifier),
            None => identity_key.foreign_key(&self.spelling.to_lowercase()),
        }
    }

    /// Whether `stored` is the same name to Cognito as well, which tells only capital letters from small ones, if that.
    pub fn is_spelled_like(&self, stored: &str) -> bool {
        self.spelling.to_lowercase() == stored.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(person: &Person) -> AccountKey {
        person.key(&IdentityKey::parse("an-identity-key-of-32-characters").expect("a key"))
    }

    #[test]
    fn aliases_of_one_user_have_one_key() {
        let by = |name: &str| key(&Person::of(name, Some("Alice@Example.com"), true));
        assert_eq!(by("alice"), by("0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert_eq!(by("alice"), key(&Person::of("\u{ff21}lice@example.com", None, false)), "typed, and not known to the pool");
        let unverified = key(&Person::of("alice", Some("alice@example.com"), false));
        assert_ne!(by("alice"), unverified, "anybody can write an address down");
        assert_eq!(unverified, key(&Person::spelled("ALICE")));
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_nobodys_address() {
        assert_ne!(key(&Person::unproven("vic@example.com")), key(&Person::spelled("vic@example.com")));
    }

    #[test]
    fn a_name_that_cannot_be_has_a_key_of_its_own_all_the_same() {
        let odd = Person::spelled("\u{430}dmin");
        assert_eq!(odd.identifier(), None);
        assert_eq!(key(&odd), key(&Person::spelled("\u{410}DMIN")));
        assert_ne!(key(&odd), key(&Person::spelled("admin")));
        assert_ne!(key(&Person::spelled("")), key(&odd));
    }
}
