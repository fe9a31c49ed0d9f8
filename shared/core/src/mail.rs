//! What a notice says by mail: a subject, a text and the same in HTML, in which whatever is not ours is escaped.
//!
//! Nothing of an account is in it but what its owner needs: no name, no address of anybody else. A token stands after `#` in its link, so
//! that it reaches neither a server's log nor the `Referer` of the page it opens.

use crate::notice::NoticeKind;
use crate::secret::SecretText;
use crate::timestamp::Timestamp;
use url::Host;
use zeroize::Zeroizing;

/// A mail about to be sent. Its texts can hold a token.
pub struct Mail {
    /// ASCII, one line.
    pub subject: &'static str,
    /// Plain text.
    pub text: SecretText,
    /// HTML.
    pub html: SecretText,
}

/// What the words of a kind are.
struct Words {
    subject: &'static str,
    what: &'static str,
    /// What to do when it was not oneself.
    else_do: &'static str,
}

fn words(kind: NoticeKind) -> Words {
    let (subject, what, else_do) = match kind {
        NoticeKind::SignInCode | NoticeKind::NewDevice => pool_words(kind),
        NoticeKind::ConfirmSignUp => (
            "Confirm that you signed up",
            "Somebody signed up with this e-mail address. If it was you, confirm it with the password you chose.",
            "If it was not you, do nothing: no account is made.",
        ),
        NoticeKind::SignUpAttempted => (
            "Somebody signed up with your name",
            "Somebody tried to sign up with your name. You have an account already, and nothing happened to it.",
            "If it was you and you forgot your password, ask for a new one.",
        ),
        NoticeKind::ResetPassword => (
            "Choose a new password",
            "Somebody asked for a new password of your account. If it was you, choose it now.",
            "If it was not you, do nothing: your password stays as it is.",
        ),
        NoticeKind::PasswordChanged => (
            "Your password was changed",
            "Your password was changed, and all other sessions of your account ended.",
            "If it was not you, reset your password at once.",
        ),
        NoticeKind::PasswordReset => (
            "Your password was reset",
            "A new password was chosen for your account with a link from an e-mail, and all its sessions ended.",
            "If it was not you, reset your password at once, and change the password of your mailbox.",
        ),
        NoticeKind::SessionEnded => (
            "A session was ended",
            "A session of your account was ended after wrong passwords were given in it.",
            "If it was not you, end your other sessions and change your password.",
        ),
        NoticeKind::SessionHijacking => (
            "All your sessions were ended",
            "A session of your account was used in two places at once. All sessions ended, and no device is known any more.",
            "Sign in again. If you do not know why, change your password.",
        ),
        NoticeKind::AnomalousLogin => (
            "An unusual sign-in to your account",
            "Somebody signed in to your account, and much about it is unusual.",
            "If it was not you, change your password: it ends all other sessions.",
        ),
    };
    Words { subject, what, else_do }
}

/// Of the notices of a user pool.
fn pool_words(kind: NoticeKind) -> (&'static str, &'static str, &'static str) {
    const ELSE: &str = "If it was not you, change your password at once.";
    if kind == NoticeKind::SignInCode {
        let what =
            "Somebody is signing in to your account with your password. If it was you, this is your code. Give it to nobody.";
        return ("Your code", what, ELSE);
    }
    ("A sign-in from a new device", "Somebody signed in to your account from a device that was not used for it before.", ELSE)
}

/// What a grant is used with: its token, the link that holds it, and its end.
#[derive(Debug, Clone, Copy)]
pub struct GrantText<'a> {
    /// The token.
    pub token: &'a SecretText,
    /// Where it is used; `None` where no base URL is known.
    pub link: Option<&'a SecretText>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The mail of a notice of `kind`, made at `at`.
pub fn mail(kind: NoticeKind, at: Timestamp, grant: Option<GrantText<'_>>) -> Mail {
    let Words { subject, what, else_do } = words(kind);
    let (in_text, in_html) = grant.map_or_else(Default::default, told);
    let text = format!("{what}\n\n{}{else_do}\n\n{at}\n", *in_text);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{subject}</title>\n<p>{what}</p>\n{}<p>{else_do}</p>\n<p>{at}</p>\n</html>\n",
        *in_html
    );
    Mail { subject, text: SecretText::new(text), html: SecretText::new(html) }
}

/// The same in text and in HTML.
fn told(GrantText { token, link, expires_at }: GrantText<'_>) -> (Zeroizing<String>, Zeroizing<String>) {
    let shown = link.unwrap_or(token).expose();
    let safe = Zeroizing::new(escape(shown));
    let marked = match link {
        Some(_) => Zeroizing::new(format!("<a href=\"{}\">{}</a>", *safe, *safe)),
        None => Zeroizing::new(format!("<code>{}</code>", *safe)),
    };
    let end = format!("It holds until {expires_at}, once.");
    (Zeroizing::new(format!("{shown}\n\n{end}\n\n")), Zeroizing::new(format!("<p>{}</p>\n<p>{end}</p>\n", *marked)))
}

/// `address` as mail can carry it: its domain in the form of host names, its name as it is; `None` where the name is not ASCII, which Amazon SES
/// does not take, or there is no such address.
pub fn deliverable(address: &str) -> Option<String> {
    let (name, domain) = address.rsplit_once('@')?;
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"@,;<>()\"".contains(&byte));
    match Host::parse(domain).ok()? {
        Host::Domain(domain) if is_plain => Some(format!("{name}@{domain}")),
        _ => None,
    }
}

/// For text and for attribute values in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn al12_what_is_not_ours_is_escaped() {
        let (token, link) = (SecretText::new("t".into()), SecretText::new("https://x.example/\"><script>&'".into()));
        let mail = mail(
            NoticeKind::ResetPassword,
            Timestamp::EPOCH,
            Some(GrantText { token: &token, link: Some(&link), expires_at: Timestamp::EPOCH }),
        );
        assert!(mail.html.expose().contains("https://x.example/&quot;&gt;&lt;script&gt;&amp;&#39;"));
        assert!(!mail.html.expose().contains("<script>"));
    }

    #[test]
    fn an_international_domain_is_written_as_hosts_are() {
        assert_eq!(deliverable("a@ex\u{e4}mple.de").as_deref(), Some("a@xn--exmple-cua.de"));
        assert_eq!(deliverable("a+b@example.com").as_deref(), Some("a+b@example.com"));
        for none in [
            "\u{e4}@example.de",
            "@example.com",
            "a",
            "a@",
            "a@exa mple.com",
            "a@[127.0.0.1]",
            "a\r\nb@example.com",
            "a@b@example.com",
            "a,b@example.com",
        ] {
            assert_eq!(deliverable(none), None, "{none}");
        }
    }

    #[test]
    fn every_kind_has_words_and_only_grants_have_an_end() {
        for kind in NoticeKind::ALL {
            let mail = mail(kind, Timestamp::EPOCH, None);
            assert!(mail.subject.is_ascii() && mail.subject.len() <= 60 && !mail.text.expose().contains("holds until"), "{kind:?}");
        }
    }
}
