//! What the gateway, the control routes and the streams' reader share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use palisade_cloud::Clock;
use palisade_edge::Outcome;

use crate::accounts::Maker;
use crate::clock::ManualClock;
use crate::emulator::Emulator;
use crate::events::Payload;
use crate::faults::Faults;
use crate::functions::Functions;
use crate::hibp::Hibp;
use crate::ledger::Ledger;
use crate::pump::{DeadLetter, Pump};
use crate::ses::Ses;
use crate::sns::Sns;
use crate::stack::StackError;
use crate::webhooks::Webhooks;

/// All of it.
pub(crate) struct Shared {
    pub(crate) functions: Functions,
    pub(crate) payload: Payload,
    pub(crate) clock: Clock,
    pub(crate) manual_clock: Option<ManualClock>,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) maker: Maker,
    pub(crate) hibp: Hibp,
    pub(crate) sns: Sns,
    pub(crate) ses: Ses,
    pub(crate) webhooks: Webhooks,
    pub(crate) pump: Pump,
    pub(crate) emulator: Option<Arc<Emulator>>,
    pub(crate) requests: AtomicU64,
}

impl Shared {
    pub(crate) fn next_request_id(&self) -> String {
        format!("local-{:08}", self.requests.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn sweep(&self) {
        if let Some(emulator) = &self.emulator {
            emulator.sweep();
        }
    }

    /// Lets the fan-out see all that the streams hold by now, and the mailer what was published.
    pub(crate) async fn pump(&self) -> Result<(), StackError> {
        self.pump.run(self).await
    }

    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.pump.dead_letters()
    }

    pub(crate) async fn fan_out(&self, batch: String) -> Outcome {
        self.functions.fan_out(&self.ledger, batch, self.next_request_id()).await
    }

    pub(crate) async fn mail(&self, message: String) -> Outcome {
        self.functions.mail(&self.ledger, message, self.next_request_id()).await
    }

    pub(crate) async fn cognito(&self, event: String) -> Outcome {
        self.functions.cognito(&self.ledger, event, self.next_request_id()).await
    }

    pub(crate) async fn authorize(&self, event: String, request_id: String) -> Outcome {
        self.functions.authorize(&self.ledger, event, request_id).await
    }

    pub(crate) async fn call(&self, function: &str, event: String, request_id: String) -> Option<String> {
        self.functions.call(&self.ledger, function, event, request_id).await
    }
}
