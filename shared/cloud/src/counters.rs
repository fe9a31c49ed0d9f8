//! The counters table: throttle lanes and the windows of addresses, each subject in a partition of its own, so that a hot victim never
//! slows another.

mod actions;
mod baseline;
mod blocks;
mod codes;
mod grants;
mod ip;
mod lane;
mod links;
mod look;
mod overall;
mod quota;
mod set_aside;
mod sign_ups;
mod users;

use palisade_core::Fault;
use palisade_core::settings::{Settings, Table};

use crate::store::{Store, TableHandle};

pub use actions::OperatorAction;
pub use blocks::BlocksItem;
pub use codes::{Answering, CodeItem};
pub use grants::{Pace, PacedBy};
pub use lane::{LaneItem, LaneKey, Swap};
pub use links::{Led, LinkKey, Links};
pub use overall::Overall;
pub use quota::{HeldBack, Quota};
pub use set_aside::SetAside;
pub use sign_ups::SignUpsOf;

/// The counters table.
#[derive(Debug, Clone)]
pub struct Counters(TableHandle);

impl Counters {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Counters).map(Self)
    }
}
