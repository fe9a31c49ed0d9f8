//! The networks that operators blocked, as this environment last read them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use palisade_cloud::Counters;
use palisade_core::blocks::Blocks;
use palisade_core::{ClientIp, Fault, Settings, Timestamp};

use crate::aside::Aside;

/// How long a list is used before it is read again: a block reaches every environment within this time.
const KEPT: Duration = Duration::from_secs(30);

/// The list, read at most every [`KEPT`].
#[derive(Debug)]
pub(crate) struct BlockList {
    counters: Counters,
    aside: Aside,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    read_at: Option<Timestamp>,
    blocks: Blocks,
}

impl BlockList {
    pub(crate) fn new(counters: &Counters, settings: &Settings) -> Self {
        Self { counters: counters.clone(), aside: Aside::new(settings), kept: Mutex::default() }
    }

    /// Reads the list before the first request, which also opens the connection. A failure shows at the first request.
    pub(crate) async fn warm_up(&self, now: Timestamp) {
        if let Ok(item) = self.counters.blocks().await {
            *self.lock() = Kept { read_at: Some(now), blocks: item.blocks };
        }
    }

    /// Whether `ip` is blocked at `now`. While the list cannot be read the last one holds, with the fault beside it: a table that fails
    /// must not shut everybody out.
    pub(crate) async fn holds(&self, ip: ClientIp, now: Timestamp) -> (bool, Result<(), Fault>) {
        let read = if self.is_due(now) {
            let read = self.aside.run("read of blocks in counters", self.counters.blocks()).await;
            read.map(|item| self.lock().blocks = item.blocks)
        } else {
            Ok(())
        };
        (self.lock().blocks.holds(ip, now), read)
    }

    /// Whether this request reads the list; the next one does not, whatever becomes of it.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut kept = self.lock();
        let due = kept.read_at.is_none_or(|read_at| now.since(read_at) >= KEPT);
        if due {
            kept.read_at = Some(now);
        }
        due
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
