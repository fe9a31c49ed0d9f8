//! Messages to a person, and the one-time grants that some of them carry.
//!
//! A grant's token is `<notice id>.<key id>.<MAC>`, the MAC over the notice's id and kind, the account's key and its version. It is
//! derived when the notice is shown and stored nowhere, so that nothing usable lies in a table, stream or dead letter; it dies when the
//! account's version moves on.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::account::{Account, Subject};
use crate::cognito::challenge;
use crate::hashing::StoredPassword;
use crate::keys::{AccountKey, KeyRing, Use, is_of_16_bytes};
use crate::secret::SecretText;
use crate::timestamp::Timestamp;
use std::time::Duration;

/// How long a reset's grant holds: 15 minutes.
pub const RESET_LIFETIME: Duration = Duration::from_mins(15);

/// How long a sign-up waits for its confirmation: 24 hours.
pub const SIGN_UP_LIFETIME: Duration = Duration::from_hours(24);

/// How long a code holds: 10 minutes.
pub const CODE_LIFETIME: Duration = challenge::LIFETIME;

/// How long a notice without a grant is kept for its delivery: a week.
pub const PLAIN_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The id of a notice: 16 random bytes, base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeId(String);

impl NoticeId {
    /// From 16 random bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// `None` unless `text` is exactly what [`NoticeId::new`] makes.
    pub fn parse(text: &str) -> Option<Self> {
        is_of_16_bytes(text).then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// Confirm that you signed up. Carries a grant.
    ConfirmSignUp,
    /// Somebody signed up with your name; nothing happened.
    SignUpAttempted,
    /// Reset your password. Carries a grant.
    ResetPassword,
    /// Your password was changed.
    PasswordChanged,
    /// Your password was reset.
    PasswordReset,
    /// A session was ended after wrong passwords in it.
    SessionEnded,
    /// All sessions were ended, since one was in two hands.
    SessionHijacking,
    /// Somebody signed in, and much about it is unusual.
    AnomalousLogin,
    /// The code of a sign-in to a user pool. Carries a grant.
    SignInCode,
    /// Somebody signed in to a user pool from a new device.
    NewDevice,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::ConfirmSignUp,
        Self::SignUpAttempted,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::SessionEnded,
        Self::SessionHijacking,
        Self::AnomalousLogin,
        Self::SignInCode,
        Self::NewDevice,
    ];

    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmSignUp => "confirm_sign_up",
            Self::SignUpAttempted => "sign_up_attempted",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::SessionEnded => "session_ended",
            Self::SessionHijacking => "session_hijacking",
            Self::AnomalousLogin => "anomalous_login",
            Self::SignInCode => "sign_in_code",
            Self::NewDevice => "new_device",
        }
    }

    /// `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it carries a grant.
    pub fn grants(self) -> bool {
        matches!(self, Self::ConfirmSignUp | Self::ResetPassword | Self::SignInCode)
    }

    /// How many of a kind one account gets in a day (UTC), so that nobody fills a mailbox; `None` where it must never be kept back, since it
    /// tells what was done, for resets, of which one in five minutes is given, and for codes, one in ten: who was kept from them could be locked out.
    pub fn most_a_day(self) -> Option<usize> {
        match self {
            Self::PasswordChanged | Self::PasswordReset | Self::SessionHijacking | Self::ResetPassword | Self::SignInCode => None,
            Self::ConfirmSignUp => Some(20),
            Self::SignUpAttempted | Self::SessionEnded | Self::AnomalousLogin | Self::NewDevice => Some(5),
        }
    }

    fn lifetime(self) -> Duration {
        match self {
            Self::ConfirmSignUp => SIGN_UP_LIFETIME,
            Self::ResetPassword => RESET_LIFETIME,
            Self::SignInCode => CODE_LIFETIME,
            Self::SignUpAttempted
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::SessionEnded
            | Self::SessionHijacking
            | Self::AnomalousLogin
            | Self::NewDevice => PLAIN_LIFETIME,
        }
    }
}

/// A sign-up that waits for its confirmation: the account it will be.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The canonical identifier.
    pub identifier: String,
    /// E-mail address.
    pub email: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The hash of the password of this very sign-up.
    pub password: StoredPassword,
    /// Whether the breach service did not answer when it was chosen.
    pub breach_unchecked: bool,
}

/// A message to somebody.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// What it says.
    pub kind: NoticeKind,
    /// Whose account, or whose it would be.
    pub account_key: AccountKey,
    /// The account's public id, where it exists.
    pub account_id: Option<Subject>,
    /// Where to: the address stored with the account, or the one of the sign-up itself.
    pub to: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its grant ends, and when it is garbage.
    pub expires_at: Timestamp,
    /// Written for nobody, so that the work is the same; never shown.
    pub void: bool,
    /// The account's version that the grant hangs on; 0 for a sign-up.
    pub auth_version: u64,
    /// The sign-up.
    pub pending: Option<Pending>,
    /// Sent once more, because somebody asked for that.
    pub again: bool,
}

impl Notice {
    /// A notice of `kind` to the owner of `account`.
    pub fn to_account(id: NoticeId, kind: NoticeKind, account: &Account, now: Timestamp) -> Self {
        Self {
            account_id: Some(account.subject.clone()),
            to: account.email.clone(),
            void: false,
            auth_version: account.auth_version,
            ..Self::void(id, kind, &account.key, now)
        }
    }

    /// A notice of `kind` to nobody.
    pub fn void(id: NoticeId, kind: NoticeKind, account_key: &AccountKey, now: Timestamp) -> Self {
        Self {
            id,
            kind,
            account_key: account_key.clone(),
            account_id: None,
            to: None,
            created_at: now,
            expires_at: now.plus(kind.lifetime()),
            void: true,
            auth_version: 0,
            pending: None,
            again: false,
        }
    }

    /// A sign-up's notice, to the address it gave.
    pub fn to_new(id: NoticeId, account_key: &AccountKey, pending: Pending, now: Timestamp) -> Self {
        Self {
            to: pending.email.clone(),
            void: false,
            pending: Some(pending),
            ..Self::void(id, NoticeKind::ConfirmSignUp, account_key, now)
        }
    }

    /// Among which messages it is counted in a day, and how many of those there are at most. Asking for a message once more takes no place of the
    /// sign-ups: whoever does so for others would keep them from signing up.
    pub fn most_a_day(&self) -> Option<(String, usize)> {
        let again = if self.again { "_again" } else { "" };
        self.kind.most_a_day().map(|most| (format!("{}{again}", self.kind.as_str()), most))
    }

    /// The token of its grant, for its reader; `None` when it carries none.
    pub fn token(&self, keys: &KeyRing) -> Option<SecretText> {
        if self.kind == NoticeKind::SignInCode {
            return (!self.void).then(|| challenge::code(&self.id, &self.account_key, keys));
        }
        (self.kind.grants() && !self.void).then(|| {
            let version = self.auth_version.to_be_bytes();
            let tag = Base64UrlUnpadded::encode_string(&keys.sign(Use::Grant, &self.signed(&version)));
            SecretText::new(format!("{}.{}.{tag}", self.id.as_str(), keys.current_id()))
        })
    }

    fn signed<'a>(&'a self, version: &'a [u8; 8]) -> [&'a [u8]; 4] {
        [self.id.as_str().as_bytes(), self.kind.as_str().as_bytes(), self.account_key.as_str().as_bytes(), version]
    }
}

/// A token as somebody presents it.
pub struct Presented {
    /// Which notice it claims to come from.
    pub notice_id: NoticeId,
    key_id: String,
    tag: [u8; 32],
}

impl Presented {
    /// `None` unless `token` has exactly the form of one.
    pub fn parse(token: &str) -> Option<Self> {
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let &[id, key_id, tag] = parts.as_slice() else {
            return None;
        };
        let mut bytes = [0_u8; 32];
        let length = (tag.len() == 43).then(|| Base64UrlUnpadded::decode(tag, &mut bytes).ok().map(<[u8]>::len)).flatten();
        let notice_id = NoticeId::parse(id)?;
        (length == Some(32) && key_id.len() == 8).then(|| Self { notice_id, key_id: key_id.to_owned(), tag: bytes })
    }

    /// Whether it is the token of `notice`, for a grant of `kind` that has not ended.
    pub fn proves(&self, notice: &Notice, kind: NoticeKind, keys: &KeyRing, now: Timestamp) -> bool {
        let version = notice.auth_version.to_be_bytes();
        let is_signed = keys.verify(Use::Grant, &self.key_id, &notice.signed(&version), &self.tag);
        is_signed && notice.kind == kind && kind.grants() && !notice.void && self.notice_id == notice.id && now < notice.expires_at
    }
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented(redacted)")
    }
}

#[cfg(test)]
#[path = "notice/tests.rs"]
mod tests;
