//! Use cases: each file orders the reads and writes of `cloud` around the decisions of `core`.
//!
//! A flow's `Deps` holds only the tables it uses, the same list as its function's IAM policy. Flows run their steps with `join!` inside
//! the request, never as tasks of their own: no work outlives the answer.

mod address;
mod aside;
pub mod authorize;
mod blocked;
pub mod breach_check;
pub mod change;
mod choose;
pub mod cognito;
pub mod fan_out;
mod hasher;
pub mod incidents;
mod lane;
pub mod login;
pub mod mail;
mod overall;
mod own_lane;
pub mod reset;
pub mod sessions;
pub mod sign_up;
mod users;
mod validate;

pub use hasher::Hasher;
pub use palisade_cloud::environment;
pub use palisade_cloud::{Clock, Entropy, Hibp, Parts};
pub use palisade_core::Outcome;
