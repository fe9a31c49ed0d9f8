//! Something broke: a dependency, or an assumption. Never a wrong password, never an allow.

use std::error::Error;

/// What failed, with the cause kept for the log.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A dependency did not do its part: the client hears 503 and may try again.
    #[error("{what}")]
    Unavailable {
        /// The dependency and what was asked of it, for operators.
        what: &'static str,
        /// The cause; its text never holds request contents.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something that cannot be: the client hears 500.
    #[error("{what}")]
    Internal {
        /// Which assumption failed, for operators.
        what: &'static str,
    },
}

impl Fault {
    /// A dependency's failure.
    pub fn unavailable(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { what, source: source.into() }
    }

    /// A broken assumption.
    pub fn internal(what: &'static str) -> Self {
        Self::Internal { what }
    }

    /// The fault and its causes in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
