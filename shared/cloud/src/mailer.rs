//! Mail through Amazon SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use palisade_core::Fault;
use palisade_core::mail::Mail;
use palisade_core::settings::Settings;

use crate::call::fault;
use crate::parts::Parts;
use crate::sdk::{self, Tries};

/// Sends mail from one sender.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
    from: String,
}

impl Mailer {
    /// From the sender that `settings` name; `None` where they name none.
    pub fn new(settings: &Settings, parts: &Parts) -> Option<Self> {
        let from = settings.messages.mail_from.clone()?;
        let config = sdk::config(settings, parts, settings.messages.ses_endpoint.as_ref(), Tries::Once);
        Some(Self { client: Client::new(&config), from })
    }

    /// Sends `mail` to the address `to`.
    ///
    /// # Errors
    /// A fault unless SES took it; after a lost answer it may have.
    pub async fn send(&self, to: &str, mail: &Mail) -> Result<(), Fault> {
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let unbuilt = |_| Fault::internal("a mail lacks a part");
        let body = Body::builder()
            .text(content(mail.text.expose()).map_err(unbuilt)?)
            .html(content(mail.html.expose()).map_err(unbuilt)?)
            .build();
        let message = Message::builder().subject(content(mail.subject).map_err(unbuilt)?).body(body).build();
        let send = self.client.send_email().from_email_address(&self.from);
        let send = send.destination(Destination::builder().to_addresses(to).build());
        let send = send.content(EmailContent::builder().simple(message).build());
        send.send().await.map(drop).map_err(|error| fault("mail", &error))
    }
}
