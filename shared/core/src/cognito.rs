//! Cognito's triggers: what each may say, decided without I/O.
//!
//! A user pool calls one function at fixed places of its own flows. It shows that function a name and attributes, never a password (but for a
//! migration), an address, a device or a session. What can be decided of so little is here: who somebody is ([`person`]), which challenge
//! comes next ([`challenge`]), what a token says ([`token`]), what a message reads ([`message`]).

pub mod challenge;
pub mod message;
pub mod migration;
pub mod person;
pub mod sign_up;
pub mod token;

pub use person::Person;

/// Why Cognito asks before a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpBy {
    /// The user themselves.
    User,
    /// An administrator.
    Administrator,
    /// Somebody who signed in with another provider for the first time.
    ExternalProvider,
}

/// What was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// A sign-up.
    SignUp,
    /// A new password, with a code.
    ForgotPassword,
}

/// The form in which claims are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenVersion {
    /// `V1_0`: the identity token alone.
    V1,
    /// `V2_0` and `V3_0`: the access token as well.
    V2,
}

/// What tokens are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFor {
    /// A sign-in that has just succeeded.
    SignIn,
    /// The same, where no challenge of ours is part of it: on the pool's own pages, by another provider, of a known device.
    HostedSignIn,
    /// The same, of a user who has just chosen a password in the place of an administrator's.
    FirstPassword,
    /// A refresh token.
    Refresh,
    /// A machine, with a client secret: there is no user.
    Client,
}

/// When a user is looked for that the pool does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationAt {
    /// At a sign-in, with the password.
    SignIn,
    /// When a new password is asked for.
    ForgotPassword,
}

/// A call of a user pool that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Before a user is made.
    PreSignUp(SignUpBy),
    /// After something was confirmed.
    PostConfirmation(Confirmed),
    /// Before a password is checked.
    PreAuthentication,
    /// After a sign-in succeeded.
    PostAuthentication,
    /// Which challenge comes next.
    DefineAuthChallenge,
    /// A challenge is to be made.
    CreateAuthChallenge,
    /// An answer is to be judged.
    VerifyAuthChallenge,
    /// Before tokens are made.
    TokenGeneration(TokenVersion, TokenFor),
    /// A message is to be worded.
    CustomMessage(message::MessageFor),
    /// A user that the pool does not have.
    UserMigration(MigrationAt),
}

impl Trigger {
    /// Which call it is; `None` for a source or a version that is not known, which passes through unchanged.
    pub fn parse(source: &str, version: &str) -> Option<Self> {
        let (family, what) = source.split_once('_')?;
        if family == "TokenGeneration" {
            return token_generation(what, version);
        }
        let is_of = |known: &str| version == "1" && what == known;
        match family {
            "PreSignUp" if version == "1" => sign_up_by(what).map(Self::PreSignUp),
            "PostConfirmation" if is_of("ConfirmSignUp") => Some(Self::PostConfirmation(Confirmed::SignUp)),
            "PostConfirmation" if is_of("ConfirmForgotPassword") => Some(Self::PostConfirmation(Confirmed::ForgotPassword)),
            "PreAuthentication" if is_of("Authentication") => Some(Self::PreAuthentication),
            "PostAuthentication" if is_of("Authentication") => Some(Self::PostAuthentication),
            "DefineAuthChallenge" if is_of("Authentication") => Some(Self::DefineAuthChallenge),
            "CreateAuthChallenge" if is_of("Authentication") => Some(Self::CreateAuthChallenge),
            "VerifyAuthChallengeResponse" if is_of("Authentication") => Some(Self::VerifyAuthChallenge),
            "CustomMessage" if version == "1" => message::MessageFor::parse(what).map(Self::CustomMessage),
            "UserMigration" if is_of("Authentication") => Some(Self::UserMigration(MigrationAt::SignIn)),
            "UserMigration" if is_of("ForgotPassword") => Some(Self::UserMigration(MigrationAt::ForgotPassword)),
            _ => None,
        }
    }
}

fn sign_up_by(what: &str) -> Option<SignUpBy> {
    match what {
        "SignUp" => Some(SignUpBy::User),
        "AdminCreateUser" => Some(SignUpBy::Administrator),
        "ExternalProvider" => Some(SignUpBy::ExternalProvider),
        _ => None,
    }
}

fn token_generation(what: &str, version: &str) -> Option<Trigger> {
    let made_for = match what {
        "Authentication" => TokenFor::SignIn,
        "HostedAuth" | "AuthenticateDevice" => TokenFor::HostedSignIn,
        "NewPasswordChallenge" => TokenFor::FirstPassword,
        "RefreshTokens" => TokenFor::Refresh,
        "ClientCredentials" => TokenFor::Client,
        _ => return None,
    };
    match version {
        "1" => Some(Trigger::TokenGeneration(TokenVersion::V1, made_for)),
        "2" | "3" => Some(Trigger::TokenGeneration(TokenVersion::V2, made_for)),
        _ => None,
    }
}

/// Why a call is refused. Cognito shows the text to whoever asked, so it is fixed and says no more than which kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A name or address that nobody may sign up with, whatever the reason.
    SignUp,
    /// Too many sign-ups.
    TooManySignUps,
    /// Too many sign-ins, or nothing is known of how many.
    SignIn,
    /// No tokens without signing in anew.
    Tokens,
    /// Something failed.
    Unavailable,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 5] = [Self::SignUp, Self::TooManySignUps, Self::SignIn, Self::Tokens, Self::Unavailable];

    /// The text. Cognito puts the trigger's name before it and a full stop behind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "This name or address cannot be used to sign up",
            Self::TooManySignUps => "Too many sign-ups, try again later",
            Self::SignIn => "Sign-in is not possible now, try again later",
            Self::Tokens => "Sign in again",
            Self::Unavailable => "Not available now, try again later",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r62_every_documented_source_is_known_and_others_are_none() {
        let sources = [
            ("PreSignUp", ["SignUp", "AdminCreateUser", "ExternalProvider"].as_slice()),
            ("PostConfirmation", &["ConfirmSignUp", "ConfirmForgotPassword"]),
            ("PreAuthentication", &["Authentication"]),
            ("PostAuthentication", &["Authentication"]),
            ("DefineAuthChallenge", &["Authentication"]),
            ("CreateAuthChallenge", &["Authentication"]),
            ("VerifyAuthChallengeResponse", &["Authentication"]),
            (
                "TokenGeneration",
                &[
                    "HostedAuth",
                    "Authentication",
                    "NewPasswordChallenge",
                    "AuthenticateDevice",
                    "RefreshTokens",
                    "ClientCredentials",
                ],
            ),
            (
                "CustomMessage",
                &[
                    "SignUp",
                    "AdminCreateUser",
                    "ResendCode",
                    "ForgotPassword",
                    "UpdateUserAttribute",
                    "VerifyUserAttribute",
                    "Authentication",
                ],
            ),
            ("UserMigration", &["Authentication", "ForgotPassword"]),
        ];
        for (family, whats) in sources {
            for what in whats {
                let source = format!("{family}_{what}");
                assert!(Trigger::parse(&source, "1").is_some(), "{source}");
                assert_eq!(Trigger::parse(&source, "2").is_some(), family == "TokenGeneration", "{source}");
                assert_eq!(Trigger::parse(&source, "4"), None, "{source}");
                assert_eq!(Trigger::parse(&format!("{source}2"), "1"), None);
            }
            assert_eq!(Trigger::parse(&format!("{family}_"), "1"), None);
            assert_eq!(Trigger::parse(family, "1"), None);
        }
    }
}
