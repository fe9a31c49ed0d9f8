//! The rules of Palisade: what is decided, never how it is stored or sent.
//!
//! Everything here is a pure function of its arguments. Time is a [`Timestamp`] handed in, randomness is bytes handed in; there is
//! no I/O, no clock, no environment and no type of AWS or HTTP.

pub mod account;
pub mod alert;
pub mod anomaly;
pub mod assess;
pub mod baseline;
pub mod blocks;
pub mod breach;
pub mod client_ip;
pub mod cognito;
pub mod csrf;
pub mod decision;
pub mod denial;
pub mod device;
pub mod event;
pub mod fault;
pub mod hashing;
pub mod history;
pub mod identifier;
pub mod incident;
pub mod ip_window;
pub mod keys;
pub mod mail;
pub mod notice;
pub mod outcome;
pub mod password;
pub mod policy;
pub mod route;
pub mod secret;
pub mod session;
pub mod settings;
pub mod stream;
pub mod throttle;
pub mod timestamp;
pub mod user_agent;
pub mod user_rate;
pub mod webhook;
pub mod zone;

pub use account::{Account, Role, Status, Subject};
pub use client_ip::{ClientIp, IpPrefix};
pub use denial::{Denial, InvalidRequest, LimitReason, RateLimited};
pub use event::{Event, EventKind, Trail};
pub use fault::Fault;
pub use identifier::Identifier;
pub use keys::{AccountKey, IdentityKey, KeyRing};
pub use outcome::Outcome;
pub use policy::Policy;
pub use secret::Password;
pub use settings::Settings;
pub use timestamp::Timestamp;
pub use user_agent::UserAgent;
pub use zone::Zone;
