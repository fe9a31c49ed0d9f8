//! Reads and writes: DynamoDB through the AWS SDK, one module per table, and what a process takes from its environment.
//!
//! Nothing here decides. A store that does not answer is a [`palisade_core::Fault`], never a default.

pub mod accounts;
mod call;
pub mod counters;
pub mod environment;
mod item;
pub mod parts;
pub mod schema;
pub mod sessions;
pub mod store;

pub use accounts::Accounts;
pub use counters::Counters;
pub use parts::{Clock, Entropy, Parts};
pub use sessions::Sessions;
pub use store::Store;
