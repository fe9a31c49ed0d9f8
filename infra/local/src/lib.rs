//! The local stack: every function behind a gateway on loopback, with DynamoDB in process. Never deployed.
//!
//! It is what `cargo local` runs and what the acceptance suite drives. Clock, faults and stand-in addresses exist here only: the functions
//! are the deployed code, called with the events API Gateway would send.

mod accounts;
mod clock;
mod control;
mod emulator;
mod events;
mod faults;
mod functions;
mod gateway;
mod hibp;
mod ledger;
mod options;
mod page;
mod protected;
mod settings;
mod stack;
mod tables;
mod wire;

pub use accounts::NewAccount;
pub use aws_sdk_dynamodb::types::AttributeValue;
pub use clock::ManualClock;
pub use events::Payload;
pub use faults::{Cancellation, Fault, Faults, Mode};
pub use hibp::{Asked, Hibp};
pub use ledger::{Call, Entry, Ledger};
pub use options::{BreachService, ClockMode, Options};
pub use palisade_cloud::hibp::install_tls;
pub use settings::{IDENTITY_KEY, SECRET, settings_pairs};
pub use stack::{Stack, StackError};
