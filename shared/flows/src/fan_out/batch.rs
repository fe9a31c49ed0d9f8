//! What a batch of records comes to: one job for each item, however many records name it, and how its channels fare.

use std::sync::atomic::{AtomicU32, Ordering};

use palisade_core::Fault;
use palisade_core::incident::record::Told;
use palisade_core::incident::{IncidentId, milestone};
use palisade_core::notice::NoticeId;
use palisade_core::settings::Table;
use palisade_core::stream::{Change, Record};

use super::Undone;

/// How many failures in a row end the use of a channel in a batch: a hanging one would use up the function's time.
const FAILURES_TO_GIVE_UP: u32 = 3;

/// One item to tell of.
#[derive(Debug)]
pub(super) struct Job {
    /// Of every record that names it.
    pub(super) sequence_numbers: Vec<String>,
    pub(super) work: Work,
}

/// What there is to do.
#[derive(Debug)]
pub(super) enum Work {
    /// An incident reached `due` on channels that were told `told` so far.
    Incident { id: IncidentId, due: u64, told: Told },
    /// A notice is to be published.
    Notice { id: NoticeId },
    /// A record cannot be read.
    SetAside { table: Option<Table>, content: String },
}

/// The jobs of `records`, in the order of each item's first. Records without news, of what is void or was told are nobody's job.
pub(super) fn jobs(records: Vec<Record>) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for Record { sequence_number, change } in records {
        let Some(work) = work(change) else {
            continue;
        };
        match jobs.iter_mut().find(|job| job.work.is_same(&work)) {
            Some(job) => {
                job.sequence_numbers.push(sequence_number);
                job.work.join(&work);
            }
            None => jobs.push(Job { sequence_numbers: vec![sequence_number], work }),
        }
    }
    jobs
}

fn work(change: Change) -> Option<Work> {
    let set_aside = |table, id: String| Some(Work::SetAside { table: Some(table), content: id });
    match change {
        Change::NoNews | Change::Notice { void: true, .. } | Change::Notice { told: true, .. } => None,
        Change::Unreadable { table, content } => Some(Work::SetAside { table, content }),
        Change::Notice { id, .. } => match NoticeId::parse(&id) {
            Some(id) => Some(Work::Notice { id }),
            None => set_aside(Table::Notices, id),
        },
        Change::Incident { id, occurrences, told } => match (IncidentId::parse(&id), milestone(occurrences)) {
            (None, _) => set_aside(Table::Incidents, id),
            (Some(_), None) => None,
            (Some(_), Some(due)) if told.alerts >= due && told.webhook >= due => None,
            (Some(id), Some(due)) => Some(Work::Incident { id, due, told }),
        },
    }
}

impl Work {
    /// The id of the item; `None` for a record that has none.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Incident { id, .. } => Some(id.as_str()),
            Self::Notice { id } => Some(id.as_str()),
            Self::SetAside { .. } => None,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Incident { id, .. }, Self::Incident { id: other, .. }) => id == other,
            (Self::Notice { id }, Self::Notice { id: other }) => id == other,
            _ => false,
        }
    }

    /// The furthest of both.
    fn join(&mut self, other: &Self) {
        if let (Self::Incident { due, told, .. }, Self::Incident { due: others, told: theirs, .. }) = (self, other) {
            *due = (*due).max(*others);
            *told = Told { alerts: told.alerts.max(theirs.alerts), webhook: told.webhook.max(theirs.webhook) };
        }
    }
}

/// How often each channel failed in a row.
#[derive(Debug, Default)]
pub(super) struct Channels {
    pub(super) alerts: Health,
    pub(super) webhook: Health,
    pub(super) notices: Health,
}

/// How one channel fares in this batch.
#[derive(Debug, Default)]
pub(super) struct Health(AtomicU32);

impl Health {
    /// # Errors
    /// When it failed too often in a row: it is left alone.
    pub(super) fn check(&self) -> Result<(), Undone> {
        if self.0.load(Ordering::Relaxed) < FAILURES_TO_GIVE_UP { Ok(()) } else { Err(Undone::Later) }
    }

    /// Counts what became of a message.
    pub(super) fn note<T>(&self, sent: &Result<T, Fault>) {
        match sent {
            Ok(_) => self.0.store(0, Ordering::Relaxed),
            Err(_) => drop(self.0.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn record(sequence_number: &str, change: Change) -> Record {
        Record { sequence_number: sequence_number.to_owned(), change }
    }

    fn incident(occurrences: u64, (alerts, webhook): (u64, u64)) -> Change {
        Change::Incident { id: ID.to_owned(), occurrences, told: Told { alerts, webhook } }
    }

    #[test]
    fn records_of_one_item_are_one_job_with_the_furthest_of_them() {
        let records = [record("3", incident(12, (1, 1))), record("1", incident(2, (0, 0))), record("2", incident(9, (0, 1)))];
        let jobs = jobs(records.into());
        let [Job { sequence_numbers, work: Work::Incident { due: 10, told: Told { alerts: 1, webhook: 1 }, .. } }] =
            jobs.as_slice()
        else {
            panic!("{jobs:?}");
        };
        assert_eq!(sequence_numbers, &["3", "1", "2"]);
    }

    #[test]
    fn what_was_told_is_void_or_no_news_is_nobodys_job() {
        let notice = |void, told| Change::Notice { id: ID.to_owned(), void, told };
        let changes = [incident(9, (1, 1)), incident(0, (0, 0)), notice(true, false), notice(false, true), Change::NoNews];
        assert!(jobs(changes.map(|change| record("1", change)).into()).is_empty());
        assert_eq!(jobs(vec![record("1", notice(false, false))]).len(), 1);
    }

    #[test]
    fn an_id_that_is_none_is_set_aside() {
        let changes = [
            Change::Incident { id: "x".to_owned(), occurrences: 1, told: Told::default() },
            Change::Notice { id: "x".to_owned(), void: false, told: false },
        ];
        let jobs = jobs(changes.map(|change| record("1", change)).into());
        assert!(jobs.iter().all(|job| matches!(job.work, Work::SetAside { .. })) && jobs.len() == 2, "{jobs:?}");
    }
}
