//! Who may sign up.

use crate::account::Account;
use crate::cognito::Person;
use crate::identifier::Identifier;

/// The numbers of sign-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpRules {
    /// `PALISADE_COGNITO_SIGN_UPS_PER_HOUR`: of all users together; `None` for any number.
    pub per_hour: Option<u64>,
    /// `PALISADE_COGNITO_SIGN_UPS_PER_MAILBOX`: with addresses that are one mailbox, in a day.
    pub per_mailbox: u64,
    /// `PALISADE_BLOCKED_MAIL_DOMAINS`: in the form of host names.
    pub blocked_domains: Vec<String>,
}

impl SignUpRules {
    /// Whether mail of `address` is of a blocked domain or of one below it.
    pub fn blocks(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').and_then(|(_, domain)| host(domain));
        domain.is_some_and(|domain| {
            let is_below = |blocked: &String| domain.strip_suffix(blocked.as_str()).is_some_and(|rest| rest.ends_with('.'));
            self.blocked_domains.iter().any(|blocked| domain == *blocked || is_below(blocked))
        })
    }
}

/// `domain` in the form of host names, small and without the root's dot; `None` for what is none.
pub fn host(domain: &str) -> Option<String> {
    match url::Host::parse(domain.trim_end_matches('.')).ok()? {
        url::Host::Domain(domain) if !domain.is_empty() => Some(domain),
        _ => None,
    }
}

/// The plain address of the mailbox that `address` is one of many of: without what follows a plus, and for Google's mail without dots.
/// `None` for an address that is the plain one itself: nobody else's sign-ups keep its owner from it.
pub fn plain_mailbox(address: &Identifier) -> Option<String> {
    let (name, domain) = address.as_str().rsplit_once('@')?;
    let plain = name.split_once('+').map_or(name, |(plain, _)| plain);
    let plain = match domain {
        "gmail.com" | "googlemail.com" => plain.replace('.', ""),
        _ => plain.to_owned(),
    };
    (plain != name && !plain.is_empty()).then(|| format!("{plain}@{domain}"))
}

/// Whether signing up as `person` would make a second user of an account that is there: one that did not come from the pool, or one of
/// the pool whose name looks the same and is spelled otherwise. What is spelled alike is for the pool to refuse, which knows better
/// whether that user still exists.
pub fn is_look_alike(person: &Person, account: &Account) -> bool {
    account.pool.spelling.as_ref().is_none_or(|spelling| !person.is_spelled_like(spelling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_plain_address() {
        let plain = |address: &str| plain_mailbox(&Identifier::parse(address).expect("an address"));
        assert_eq!(plain("a+1@example.com").as_deref(), Some("a@example.com"));
        assert_eq!(plain("A.b+x+y@gmail.com").as_deref(), Some("ab@gmail.com"));
        assert_eq!(plain("a.b@example.com"), None, "dots tell mailboxes apart elsewhere");
        for itself in ["a@example.com", "ab@gmail.com", "alice", "+a@example.com"] {
            assert_eq!(plain(itself), None, "{itself}");
        }
    }

    #[test]
    fn blocked_domains_are_blocked_with_what_is_below_them() {
        let rules = SignUpRules {
            per_hour: None,
            per_mailbox: 3,
            blocked_domains: vec!["mailinator.com".to_owned(), "xn--exmple-cua.de".to_owned()],
        };
        for blocked in ["a@mailinator.com", "a@MAILINATOR.com.", "a@x.y.mailinator.com", "a@ex\u{e4}mple.de"] {
            assert!(rules.blocks(blocked), "{blocked}");
        }
        for fine in ["a@notmailinator.com", "a@mailinator.com.example", "mailinator.com", "a@", "a@example.de"] {
            assert!(!rules.blocks(fine), "{fine}");
        }
    }
}
