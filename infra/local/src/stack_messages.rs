//! A running stack's messages: its topics, mail and webhook, and what reads the streams.

use palisade_edge::Outcome;

use crate::pump::DeadLetter;
use crate::ses::Ses;
use crate::sns::Sns;
use crate::stack::{Stack, StackError};
use crate::webhooks::Webhooks;

impl Stack {
    /// The topics.
    pub fn sns(&self) -> &Sns {
        &self.shared.sns
    }

    /// The mail service.
    pub fn ses(&self) -> &Ses {
        &self.shared.ses
    }

    /// The webhook's receiver.
    pub fn webhooks(&self) -> &Webhooks {
        &self.shared.webhooks
    }

    /// Lets the fan-out see all that the streams hold by now, and the mailer what was published.
    ///
    /// # Errors
    /// When the streams cannot be read.
    pub async fn pump(&self) -> Result<(), StackError> {
        self.shared.pump().await
    }

    /// Gives the fan-out this batch, past the streams; what it answers.
    pub async fn fan_out(&self, batch: &str) -> Outcome {
        self.shared.fan_out(batch.to_owned()).await
    }

    /// Gives the mailer this event, past the topic; what it answers.
    pub async fn mail(&self, event: &str) -> Outcome {
        self.shared.mail(event.to_owned()).await
    }

    /// Calls the triggers with an event's text, as a user pool does; see [`Stack::cognito_pool`] for what it makes of the answer.
    pub async fn cognito(&self, event: &str) -> Outcome {
        self.shared.cognito(event.to_owned()).await
    }

    /// What a user pool makes of an event: what came back within its time, or the text that its client sees.
    ///
    /// # Errors
    /// That text.
    pub async fn cognito_pool(&self, event: &str) -> Result<String, String> {
        crate::cognito::call(&self.shared, event).await
    }

    /// What was tried as often as the template allows, and given up.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared.dead_letters()
    }
}
