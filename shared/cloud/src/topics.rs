//! The two SNS topics: alerts for operators, notices for users.
//!
//! A publish is tried once: whoever calls tries again later and knows whether it was marked, so that no repetition inside a call sends a
//! message twice.

use std::fmt;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use palisade_core::Fault;
use palisade_core::settings::Settings;

use crate::call::fault;
use crate::parts::Parts;
use crate::sdk::{self, Tries};

/// One of the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// For operators.
    Alerts,
    /// For users.
    Notices,
}

/// A message to a topic. Its body can hold a grant: it does not print.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// What subscribers get.
    pub body: &'a str,
    /// What subscribers can filter by.
    pub attributes: &'a [(&'a str, &'a str)],
    /// The subject, and what those get who subscribed by mail, where that is something else.
    pub mail: Option<(&'a str, &'a str)>,
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("attributes", &self.attributes).finish_non_exhaustive()
    }
}

/// Publishes.
#[derive(Debug, Clone)]
pub struct Topics {
    client: Client,
    alerts: String,
    notices: String,
}

impl Topics {
    /// # Errors
    /// A fault that names the setting when a topic is missing.
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let missing = |name: &'static str| Fault::internal(name);
        let alerts = settings.messages.alerts_topic.clone().ok_or_else(|| missing("PALISADE_TOPIC_ALERTS is missing"))?;
        let notices = settings.messages.notices_topic.clone().ok_or_else(|| missing("PALISADE_TOPIC_NOTICES is missing"))?;
        let config = sdk::config(settings, parts, settings.messages.sns_endpoint.as_ref(), Tries::Once);
        Ok(Self { client: Client::new(&config), alerts, notices })
    }

    /// Publishes `message` to `topic`.
    ///
    /// # Errors
    /// A fault unless SNS took it; after a lost answer it may have.
    pub async fn publish(&self, topic: Topic, message: Message<'_>) -> Result<(), Fault> {
        let arn = match topic {
            Topic::Alerts => &self.alerts,
            Topic::Notices => &self.notices,
        };
        let mut publish = self.client.publish().topic_arn(arn);
        for (name, value) in message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            let value = value.map_err(|_| Fault::internal("an attribute of a message lacks its type"))?;
            publish = publish.message_attributes(*name, value);
        }
        publish = match message.mail {
            None => publish.message(message.body),
            Some((subject, text)) => {
                let by_protocol = serde_json::json!({ "default": message.body, "email": text });
                publish.message(by_protocol.to_string()).message_structure("json").subject(subject)
            }
        };
        publish.send().await.map(drop).map_err(|error| fault("publish", &error))
    }
}
