//! The token that ties a state-changing request to the session it is made in (requirement r22).
//!
//! `<key id>.<HMAC(csrf key, account key ‖ secret hash)>`: nothing is stored, it is worth nothing without the session's cookie, and it
//! changes whenever the session does.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::keys::{KeyRing, Use};
use crate::secret::SecretText;
use crate::session::SessionKey;

/// The CSRF token of `session`.
pub fn token(keys: &KeyRing, session: &SessionKey) -> SecretText {
    let tag = keys.sign(Use::Csrf, &[session.account_key.as_str().as_bytes(), session.secret_hash.as_bytes()]);
    SecretText::new(format!("{}.{}", keys.current_id(), Base64UrlUnpadded::encode_string(&tag)))
}

/// Whether `token` is that of `session`; one of an unknown key is not.
pub fn verify(keys: &KeyRing, session: &SessionKey, token: &str) -> bool {
    let Some((key_id, tag)) = token.split_once('.') else {
        return false;
    };
    let mut bytes = [0_u8; 32];
    let tag = (tag.len() == 43).then(|| Base64UrlUnpadded::decode(tag, &mut bytes).ok()).flatten();
    let signed = [session.account_key.as_str().as_bytes(), session.secret_hash.as_bytes()];
    tag.is_some_and(|tag| keys.verify(Use::Csrf, key_id, &signed, tag))
}
