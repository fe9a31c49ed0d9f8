//! Reads and writes: DynamoDB through the AWS SDK, one module per table, the breach service, topics, webhook and mail, and what a process takes from its environment.
//!
//! Nothing here decides. A store that does not answer is a [`palisade_core::Fault`], never a default.

pub mod accounts;
mod call;
pub mod counters;
pub mod delivery;
pub mod environment;
pub mod hibp;
pub mod history;
pub mod incidents;
mod item;
pub mod mailer;
pub mod notices;
pub mod parts;
pub mod schema;
mod sdk;
pub mod sessions;
pub mod store;
pub mod topics;
pub mod transact;
pub mod user_pools;
pub mod webhook;

pub use accounts::Accounts;
pub use counters::Counters;
pub use delivery::Claim;
pub use hibp::Hibp;
pub use history::History;
pub use incidents::Incidents;
pub use mailer::Mailer;
pub use notices::Notices;
pub use parts::{Clock, Entropy, Parts};
pub use sessions::Sessions;
pub use store::Store;
pub use topics::Topics;
pub use transact::{Transacted, Transactions, Write};
pub use webhook::Webhook;
