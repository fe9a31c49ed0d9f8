//! The local stack: every function behind a gateway on loopback, with DynamoDB in process. Never deployed.
//!
//! It is what `cargo local` runs and what the acceptance suite drives. Clock, faults and stand-in addresses exist here only: the functions
//! are the deployed code, called with the events API Gateway would send.

mod accounts;
mod clock;
mod cognito;
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
mod pump;
mod runtime_api;
mod service;
mod ses;
mod settings;
mod shared;
mod sns;
mod stack;
mod stack_messages;
mod tables;
pub mod template;
mod webhooks;
mod wire;

pub use accounts::NewAccount;
pub use aws_sdk_dynamodb::types::AttributeValue;
pub use clock::ManualClock;
pub use events::Payload;
pub use faults::{Cancellation, Fault, Faults, Mode};
pub use hibp::{Asked, Hibp};
pub use ledger::{Call, Entry, Ledger};
pub use options::{BreachService, ClockMode, Options, PumpMode};
pub use palisade_cloud::hibp::install_tls;
pub use palisade_cloud::schema::{KeyAttribute, TABLES as SCHEMA};
pub use pump::DeadLetter;
pub use runtime_api::{Answered, RuntimeApi};
pub use ses::{Mail, Ses};
pub use settings::{IDENTITY_KEY, SECRET, WEBHOOK_SECRET, message_pairs, settings_pairs};
pub use sns::{Published, Sns};
pub use stack::{Stack, StackError};
pub use webhooks::{Received, Webhooks};
