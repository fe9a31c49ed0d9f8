//! The counters table: throttle lanes and the windows of addresses, each subject in a partition of its own, so that a hot victim never
//! slows another.

mod grants;
mod ip;
mod lane;

use palisade_core::Fault;
use palisade_core::settings::{Settings, Table};

use crate::call::fault;
use crate::item::s;
use crate::store::{Store, TableHandle};

pub use grants::{Pace, PacedBy};
pub use lane::{LaneItem, LaneKey, Swap};

/// The counters table.
#[derive(Debug, Clone)]
pub struct Counters(TableHandle);

impl Counters {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Counters).map(Self)
    }

    /// Connects by reading an item that does not exist, so that the first request finds a connection open.
    pub async fn warm_up(&self) -> Result<(), Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key("counter", s("warm-up"));
        get.send().await.map(drop).map_err(|error| fault("warm-up read of counters", &error))
    }
}
