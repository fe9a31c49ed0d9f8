//! Faults that the wire plays between a function and DynamoDB.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Why a transaction is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// `TransactionConflict`.
    Conflict,
    /// `ThrottlingError`.
    Throttling,
    /// A conflict and throttling.
    Mixed,
    /// `ValidationError`.
    Invalid,
}

impl Cancellation {
    /// The reasons of a transaction of two.
    pub(crate) fn codes(self) -> [&'static str; 2] {
        match self {
            Self::Conflict => ["TransactionConflict", "None"],
            Self::Throttling => ["None", "ThrottlingError"],
            Self::Mixed => ["TransactionConflict", "ThrottlingError"],
            Self::Invalid => ["None", "ValidationError"],
        }
    }
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never answered.
    Timeout,
    /// Answered with an internal server error.
    Error,
    /// Refused for throughput.
    Throttle,
    /// Carried out, but the reply is lost.
    LostReply,
    /// Carried out, but the reply never comes.
    NoReply,
    /// A transaction is cancelled: by another one, for throughput, or as invalid.
    Cancelled(Cancellation),
    /// Answered with this status and an empty object.
    Status(u16),
    /// Answered with something that is no JSON.
    Malformed,
    /// A read that does not ask for consistency gets the previous reply to the same read.
    Stale,
    /// A batch of which no key is answered.
    UnprocessedKeys,
    /// A batch of which everything but the accounts was answered.
    UnprocessedAccounts,
    /// A page of an account's items with none on it, and more to come.
    EmptyPage,
    /// The handler panics where it waits for the reply.
    Panic,
    /// Carried out, and then the handler panics.
    Killed,
    /// Carried out once [`Faults::release`] is called, or all faults are cleared.
    Hold,
    /// Carried out a random number of turns later, so that calls overtake one another.
    Shuffle,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "timeout" => Self::Timeout,
            "error" => Self::Error,
            "throttle" => Self::Throttle,
            "lost_reply" => Self::LostReply,
            "no_reply" => Self::NoReply,
            "conflict" => Self::Cancelled(Cancellation::Conflict),
            "malformed" => Self::Malformed,
            "stale" => Self::Stale,
            "unprocessed_keys" => Self::UnprocessedKeys,
            "unprocessed_accounts" => Self::UnprocessedAccounts,
            "empty_page" => Self::EmptyPage,
            "panic" => Self::Panic,
            "killed" => Self::Killed,
            "hold" => Self::Hold,
            "shuffle" => Self::Shuffle,
            _ => match word.strip_prefix("status:").and_then(|status| status.parse().ok()) {
                Some(status @ 100..=599) => Self::Status(status),
                _ => return Err(format!("there is no fault mode {word:?}")),
            },
        })
    }
}

/// A fault, for as many calls as `times` says, of one table or operation or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How.
    pub mode: Mode,
    /// How many calls pass first.
    pub after: u32,
    /// For how many calls; `None` until switched off.
    pub times: Option<u32>,
    /// Of which table only, by its word.
    pub table: Option<String>,
    /// Of which operation only, such as `PutItem`.
    pub operation: Option<String>,
    /// Of which item only, by its partition key.
    pub item: Option<String>,
}

impl Fault {
    /// `mode` for every call.
    pub fn always(mode: Mode) -> Self {
        Self { mode, after: 0, times: None, table: None, operation: None, item: None }
    }

    /// For this many calls only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// After this many calls have passed.
    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    /// Of whatever table, operation and item: where those mean nothing.
    #[must_use]
    pub(crate) fn of_everything(self) -> Self {
        Self { table: None, operation: None, item: None, ..self }
    }

    /// For one table only.
    #[must_use]
    pub fn table(self, table: &str) -> Self {
        Self { table: Some(table.to_owned()), ..self }
    }

    /// For one operation only.
    #[must_use]
    pub fn operation(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// For one item only, by its partition key.
    #[must_use]
    pub fn item(self, partition_key: &str) -> Self {
        Self { item: Some(partition_key.to_owned()), ..self }
    }
}

/// The faults in force. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<State>);

#[derive(Debug, Default)]
struct State {
    faults: Mutex<Vec<Fault>>,
    /// How many calls were ever held.
    held: watch::Sender<usize>,
    /// How many of them were let go.
    released: watch::Sender<usize>,
}

impl Faults {
    /// Adds `fault`.
    pub fn inject(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Removes all, and lets held calls go.
    pub fn clear(&self) {
        self.lock().clear();
        self.release();
    }

    /// Returns once this many calls were ever held.
    pub async fn held(&self, calls: usize) {
        // The sender lives as long as `self`.
        drop(self.0.held.subscribe().wait_for(|held| *held >= calls).await);
    }

    /// Lets every call held so far go.
    pub fn release(&self) {
        let held = *self.0.held.borrow();
        self.0.released.send_replace(held);
    }

    /// Waits as the held call of this number.
    pub(crate) async fn hold(&self, number: usize) {
        drop(self.0.released.subscribe().wait_for(|released| *released >= number).await);
    }

    /// The next number of a held call.
    fn next_held(&self) -> usize {
        let mut number = 0;
        self.0.held.send_modify(|held| {
            *held += 1;
            number = *held;
        });
        number
    }

    /// The mode for this call, if any, used up by one, with its number where it is held.
    pub(crate) fn take(&self, tables: &[String], operation: &str, items: &[String]) -> Option<(Mode, usize)> {
        let mut faults = self.lock();
        let among = |wanted: &Option<String>, found: &[String]| wanted.as_ref().is_none_or(|wanted| found.contains(wanted));
        let place = faults.iter().position(|fault| {
            let is_operation = fault.operation.as_deref().is_none_or(|wanted| wanted == operation);
            is_operation && among(&fault.table, tables) && among(&fault.item, items)
        })?;
        let fault = faults.get_mut(place)?;
        if let Some(left) = fault.after.checked_sub(1) {
            fault.after = left;
            return None;
        }
        let mode = fault.mode;
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(place);
            }
        }
        Some((mode, if mode == Mode::Hold { self.next_held() } else { 0 }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
