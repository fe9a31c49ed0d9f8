//! From the streams of incidents and notices to operators and users.
//!
//! Trigger: the DynamoDB streams of both tables, with partial batch responses. Outcomes: the sequence numbers of what could not be told and is
//! to come again; an error for what is no batch. Tables: incidents, notices and counters (read, write). It publishes to both topics and posts
//! to the webhook, where one is set.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use palisade_core::Fault;
use palisade_core::settings::Settings;
use palisade_edge::Outcome;
use palisade_edge::stream::{self, Streams};
use palisade_flows::{Parts, fan_out};

pub use palisade_flows::fan_out::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    flow: fan_out::Deps,
    streams: Streams,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack a topic or one of [`TABLES`].
    pub fn new(settings: Settings, parts: &Parts) -> Result<Self, Fault> {
        Ok(Self { streams: Streams::of(&settings), flow: fan_out::Deps::new(settings, parts)? })
    }
}

/// One call, from the batch's text to the text of what is to come again.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        let tell = async |records, trail: &mut _| fan_out::fan_out(&deps.flow, records, deps.flow.now(), trail).await;
        stream::batch(&deps.streams, &event, &request_id, tell).await
    })
}
