//! What a pool's messages read. Nothing that a user wrote is in them: whoever signs somebody else up does not get to write to them.

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFor {
    /// The code that confirms a sign-up.
    SignUp,
    /// The first password that an administrator gives.
    AdminCreateUser,
    /// The code of a sign-up once more.
    ResendCode,
    /// The code that sets a new password.
    ForgotPassword,
    /// The code that confirms an address or number that was changed.
    UpdateUserAttribute,
    /// The code that confirms one that was there.
    VerifyUserAttribute,
    /// The code of a second factor.
    Authentication,
}

impl MessageFor {
    /// By the part of the source after the underscore.
    pub(super) fn parse(what: &str) -> Option<Self> {
        Some(match what {
            "SignUp" => Self::SignUp,
            "AdminCreateUser" => Self::AdminCreateUser,
            "ResendCode" => Self::ResendCode,
            "ForgotPassword" => Self::ForgotPassword,
            "UpdateUserAttribute" => Self::UpdateUserAttribute,
            "VerifyUserAttribute" => Self::VerifyUserAttribute,
            "Authentication" => Self::Authentication,
            _ => return None,
        })
    }
}

/// A message in the forms that Cognito sends it in, with its placeholders in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// At most [`SMS_MAX`] characters.
    pub sms: String,
    /// HTML.
    pub html: String,
    /// At most [`SUBJECT_MAX`] characters.
    pub subject: String,
}

/// The longest text message, in characters (Cognito's quota).
pub const SMS_MAX: usize = 140;

/// The longest subject, in characters (Cognito's quota).
pub const SUBJECT_MAX: usize = 140;

/// The longest name of a service, so that a text message with it is short enough.
pub const SERVICE_MAX: usize = 30;

/// The message of `what`, from `service`, with the placeholders that Cognito fills in: of the code, and of the user name, which only an
/// invitation holds. `None` where a placeholder is none, so that no message goes out without its code.
pub fn message(what: MessageFor, service: Option<&str>, code: &str, user_name: Option<&str>) -> Option<Message> {
    if !is_placeholder(code) {
        return None;
    }
    let (subject, what_for, else_do) = words(what);
    let at = service.map_or_else(String::new, |service| format!("{service}: "));
    let invited = match what {
        MessageFor::AdminCreateUser => Some(user_name.filter(|name| is_placeholder(name))?),
        _ => None,
    };
    let html_of = escape(code);
    let (sms, shown) = match invited {
        Some(name) => (
            format!("{at}Your user name is {name}, your first password {code}"),
            format!("<p>Your user name is <b>{}</b>, your first password <b>{html_of}</b>.</p>", escape(name)),
        ),
        // A link instead of a code is Cognito's: its text stands between the marks.
        None if code != "{####}" && code.starts_with("{##") => (format!("{at}{what_for} {code}"), format!("<p>{code}</p>")),
        None => (
            format!("{at}{code} is your code. Give it to nobody."),
            format!("<p>Your code is <b>{html_of}</b>. Give it to nobody.</p>"),
        ),
    };
    let from = service.map_or_else(String::new, |service| format!("<p>{}</p>\n", escape(service)));
    let html = format!("<p>{what_for}</p>\n{shown}\n<p>{else_do}</p>\n{from}");
    (sms.chars().count() <= SMS_MAX).then(|| Message { sms, html, subject: format!("{at}{subject}") })
}

/// Whether it is what Cognito replaces: `{####}`, `{username}`, `{##…##}`; its documentation also shows `####`.
fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let is_link =
        inner.len() > 4 && inner.starts_with("##") && inner.ends_with("##") && !inner.contains(['<', '>', '&', '"', '\'']);
    (inner == "####" || (text.starts_with('{') && (inner == "username" || is_link))) && text.len() <= 60
}

fn words(what: MessageFor) -> (&'static str, &'static str, &'static str) {
    const NOTHING: &str = "If it was not you, do nothing: without the code nothing happens.";
    match what {
        MessageFor::SignUp | MessageFor::ResendCode => {
            ("Confirm that you signed up", "Somebody signed up with this address. If it was you, confirm it.", NOTHING)
        }
        MessageFor::AdminCreateUser => {
            ("You have an account", "An account was made for you.", "You choose a password of your own when you first sign in.")
        }
        MessageFor::ForgotPassword => {
            ("Choose a new password", "Somebody asked for a new password of your account. If it was you, choose it now.", NOTHING)
        }
        MessageFor::UpdateUserAttribute | MessageFor::VerifyUserAttribute => {
            ("Confirm your address", "Somebody gave this address or number as theirs. If it was you, confirm it.", NOTHING)
        }
        MessageFor::Authentication => (
            "Your code",
            "Somebody is signing in to your account with your password.",
            "If it was not you, change your password at once.",
        ),
    }
}

fn escape(text: &str) -> String {
    crate::mail::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [MessageFor; 7] = [
        MessageFor::SignUp,
        MessageFor::AdminCreateUser,
        MessageFor::ResendCode,
        MessageFor::ForgotPassword,
        MessageFor::UpdateUserAttribute,
        MessageFor::VerifyUserAttribute,
        MessageFor::Authentication,
    ];

    #[test]
    fn every_message_keeps_its_code_and_fits() {
        let longest = "W".repeat(SERVICE_MAX);
        for what in ALL {
            for service in [None, Some(longest.as_str())] {
                let message = message(what, service, "{####}", Some("{username}")).expect("a message");
                assert!(message.sms.contains("{####}") && message.html.contains("{####}"), "{what:?}");
                let invites = what == MessageFor::AdminCreateUser;
                assert_eq!(message.sms.contains("{username}") && message.html.contains("{username}"), invites, "{what:?}");
                assert!(message.sms.chars().count() <= SMS_MAX && message.subject.chars().count() <= SUBJECT_MAX, "{what:?}");
                assert!(message.html.len() <= 20_000);
            }
        }
        let coded = message(MessageFor::SignUp, None, "{####}", None).expect("a message");
        assert_eq!(coded.sms, "{####} is your code. Give it to nobody.");
        assert!(coded.html.contains("<p>Your code is <b>{####}</b>. Give it to nobody.</p>"), "{}", coded.html);
        let linked = message(MessageFor::SignUp, None, "{##Verify Email##}", None).expect("a message");
        assert!(linked.html.contains("<p>{##Verify Email##}</p>"));
    }

    #[test]
    fn what_is_no_placeholder_leaves_the_pools_own_message() {
        for none in ["", "123456", "{}", "{#}", "{##<b>##}", "{####", "<script>", "{##\"##}"] {
            assert_eq!(message(MessageFor::SignUp, None, none, None), None, "{none}");
        }
        assert_eq!(message(MessageFor::AdminCreateUser, None, "{####}", None), None);
        assert_eq!(message(MessageFor::AdminCreateUser, None, "{####}", Some("mallory")), None);
    }

    #[test]
    fn al12_the_services_name_is_escaped() {
        let message = message(MessageFor::SignUp, Some("A & <b>"), "{####}", None).expect("a message");
        assert!(message.html.contains("A &amp; &lt;b&gt;") && message.subject.contains("A & <b>"));
    }
}
