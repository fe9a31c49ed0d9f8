//! Mails notices to their readers.
//!
//! Trigger: the SNS topic of notices. Outcomes: nothing, once every notice was mailed or needs no mail; an error where one is to be tried
//! again. Off unless `PALISADE_MAIL_FROM` is set. Tables: notices (read, write). It sends through Amazon SES.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use palisade_core::Fault;
use palisade_core::settings::Settings;
use palisade_edge::{Outcome, topic};
use palisade_flows::{Parts, mail};

pub use palisade_flows::mail::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps(mail::Deps);

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: Settings, parts: &Parts) -> Result<Self, Fault> {
        mail::Deps::new(settings, parts).map(Self)
    }
}

/// One call, from the event's text to its outcome.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        let send = async |ids: Vec<_>, trail: &mut _| {
            let mut faults = Vec::new();
            for id in ids {
                faults.extend(mail::send(&deps.0, &id, deps.0.now(), trail).await.err());
            }
            faults
        };
        topic::notices(&event, &request_id, send).await
    })
}
