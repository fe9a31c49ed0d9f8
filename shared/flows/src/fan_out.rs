//! From the streams of incidents and notices to whoever should know (requirements r51, r52 and r55).
//!
//! ```text
//! for each incident or notice that changed, eight at once, whatever else fails:
//! 1  claim it on the channel: only what was not told and nobody else is telling; gives the item as it stands now
//! 2  take a place among the messages of its kind or user
//! 3  send
//! 4  mark it as told, or give the claim back
//! ```
//!
//! A record is a reason to look, nothing more, so that records may come twice, late or out of order. Whatever is not told is reported back and
//! comes again; what nobody can read is set aside first. After three failures in a row a channel is left alone for the rest of the batch: the
//! next one tries again.

mod batch;
mod incident;
mod notice;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::{FutureExt, StreamExt};
use palisade_cloud::counters::SetAside;
use palisade_cloud::delivery::Terms;
use palisade_cloud::{Clock, Counters, Entropy, Incidents, Notices, Parts, Store, Topics, Webhook};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::settings::{Messages, Settings, Table};
use palisade_core::stream::Record;
use palisade_core::{Fault, KeyRing, Timestamp};

use batch::{Channels, Job, Work};
use incident::Due;

/// The tables that the fan-out cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &[Table::Counters, Table::Incidents, Table::Notices];

/// How many items are told of at once.
const AT_ONCE: usize = 8;

/// What the fan-out works with.
#[derive(Debug)]
pub struct Deps {
    incidents: Incidents,
    notices: Notices,
    counters: Counters,
    topics: Topics,
    webhook: Option<Webhook>,
    messages: Messages,
    keys: Arc<KeyRing>,
    entropy: Entropy,
    clock: Clock,
    claimed_for: Duration,
}

/// The most calls of the store between a claim and its mark.
const CALLS_OF_A_CLAIM: u32 = 6;

/// The longest that a claim keeps others away: as long as the function may run.
const LONGEST_CLAIM: Duration = Duration::from_mins(1);

/// How long whoever sends may take, by the time limits of `settings`.
pub(crate) fn claimed_for(settings: &Settings) -> Duration {
    let (call, post) = (settings.timeouts.operation, settings.messages.webhook_timeout);
    let in_all = call.saturating_mul(CALLS_OF_A_CLAIM).saturating_add(call.max(post)).saturating_add(Duration::from_secs(1));
    in_all.min(LONGEST_CLAIM)
}

/// What a claim is known by.
pub(crate) fn nonce(entropy: &Entropy) -> String {
    Base64UrlUnpadded::encode_string(&entropy.bytes::<12>())
}

impl Deps {
    /// Handles to the tables, topics and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name a topic or one of [`TABLES`].
    pub fn new(settings: Settings, parts: &Parts) -> Result<Self, Fault> {
        let store = Store::new(&settings, parts);
        Ok(Self {
            incidents: Incidents::new(&store, &settings)?,
            notices: Notices::new(&store, &settings)?,
            counters: Counters::new(&store, &settings)?,
            topics: Topics::new(&settings, parts)?,
            webhook: Webhook::new(&settings.messages),
            keys: Arc::clone(&settings.keys),
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
            claimed_for: claimed_for(&settings),
            messages: settings.messages,
        })
    }

    /// The time now. A batch asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn nonce(&self) -> String {
        nonce(&self.entropy)
    }

    /// A claim from now on.
    fn terms<'a>(&self, nonce: &'a str) -> Terms<'a> {
        Terms { nonce, now: self.now(), span: self.claimed_for }
    }
}

/// Tells of everything in `records`, and returns the sequence numbers of what is to come again.
pub async fn fan_out(deps: &Deps, records: Vec<Record>, now: Timestamp, trail: &mut Trail) -> Vec<String> {
    let channels = Channels::default();
    let jobs = batch::jobs(records);
    let mut done = futures_util::stream::iter(jobs).map(|job| alone(deps, &channels, job, now)).buffer_unordered(AT_ONCE);
    let mut again = Vec::new();
    // Each as it is done, so that what was sent stands in the log although the batch runs out of time.
    while let Some(Done { sequence_numbers, what, results }) = done.next().await {
        if results.iter().any(Result::is_err) {
            again.extend(sequence_numbers);
        }
        for result in results {
            match result {
                Ok(event) => event.into_iter().for_each(|event| trail.record(event)),
                Err(Undone::Failed(fault)) => {
                    trail.record(Event::new(EventKind::AlertFailed).reason(format!("{what}: {}", fault.chain())));
                }
                Err(Undone::Later) => {}
            }
        }
    }
    again
}

/// What became of a job.
struct Done {
    sequence_numbers: Vec<String>,
    /// The id of the incident or notice, or the number of a record.
    what: String,
    /// One for each message it may take.
    results: Vec<Told>,
}

/// What there is to log of a message that was sent, or needed none.
type Told = Result<Option<Event>, Undone>;

/// Why a message comes again.
#[derive(Debug)]
pub(crate) enum Undone {
    /// It could not be sent.
    Failed(Fault),
    /// Nothing is wrong with it: somebody else is sending it, or was cut off while at it, or its channel is left alone for now.
    Later,
}

impl From<Fault> for Undone {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

/// A job that panics keeps nobody else from being told.
async fn alone(deps: &Deps, channels: &Channels, job: Job, now: Timestamp) -> Done {
    let Job { sequence_numbers, work } = job;
    let first = sequence_numbers.first().cloned().unwrap_or_default();
    let what = work.id().unwrap_or(&first).to_owned();
    let panicked = |_| vec![Err(Fault::internal("a job of the fan-out panicked").into())];
    let done = AssertUnwindSafe(carry_out(deps, channels, work, first, now)).catch_unwind().await;
    Done { sequence_numbers, what, results: done.unwrap_or_else(panicked) }
}

async fn carry_out(deps: &Deps, channels: &Channels, work: Work, sequence_number: String, now: Timestamp) -> Vec<Told> {
    match work {
        Work::Incident { id, due, told } => {
            incident::tell(deps, channels, &Due { id: &id, milestone: due, told }, now).await.into()
        }
        Work::Notice { id } => vec![notice::tell(deps, channels, &id, now).await],
        Work::SetAside { table, content } => {
            let table = table.map_or("unknown", Table::as_str).to_owned();
            vec![set_aside(deps, SetAside { at: now, table, sequence_number, content }).await]
        }
    }
}

/// Only what is kept is done: a record that cannot be kept either comes again.
async fn set_aside(deps: &Deps, record: SetAside) -> Told {
    deps.counters.set_aside(&record).await?;
    Ok(Some(Event::new(EventKind::RecordSetAside).reason(format!("{} {}", record.table, record.sequence_number))))
}
